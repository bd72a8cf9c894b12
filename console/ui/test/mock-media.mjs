// Small videos and pictures for the mock service, made with the ffmpeg command line into a folder of the caller's.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ffmpeg = (...args) => run('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-y', ...args], { timeout: 120_000 });

/** Pictures made; clips share them in turn. */
export const THUMBS = 16;

/** Writes thumb-1.jpg … and draft.mp4, exact.mp4, captioned.mp4 (12 s, vertical, with sound) into `folder`. */
export async function makeMedia(folder) {
  await ffmpeg('-f', 'lavfi', '-i', `gradients=s=360x640:n=3:d=${THUMBS}:r=1:speed=0.3:seed=11`, '-vf', 'hue=h=n*67:s=0.7', '-frames:v', String(THUMBS), '-q:v', '4', join(folder, 'thumb-%d.jpg'));
  for (const [name, seed] of Object.entries({ draft: 3, exact: 5, captioned: 7 })) {
    await ffmpeg(
      ...['-f', 'lavfi', '-i', `gradients=s=270x480:n=4:d=12:r=15:speed=0.02:seed=${seed}`],
      ...['-f', 'lavfi', '-i', 'sine=frequency=330:duration=12'],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '15', '-c:a', 'aac', '-b:a', '48k', '-shortest', '-movflags', '+faststart'],
      join(folder, `${name}.mp4`),
    );
  }
}
