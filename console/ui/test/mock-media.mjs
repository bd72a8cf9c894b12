// Small videos and pictures for the mock service, made with the ffmpeg command line into a folder of the caller's.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ffmpeg = (...args) => run('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-y', ...args], { timeout: 120_000 });

/** Pictures made; clips share them in turn. */
export const THUMBS = 16;

/** Parts of the film that recordings play, of 2 s each. */
export const FILM_PARTS = 15;

/** Writes film-init.mp4, film-0.m4s … and thumb-1.jpg … and draft.mp4, exact.mp4, captioned.mp4 (12 s, vertical, with sound) into `folder`. */
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
  await ffmpeg(
    ...['-f', 'lavfi', '-i', `testsrc2=s=270x480:r=15:d=${FILM_PARTS * 2}`, '-f', 'lavfi', '-i', `sine=frequency=220:duration=${FILM_PARTS * 2}`],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '30', '-keyint_min', '30', '-sc_threshold', '0', '-c:a', 'aac', '-b:a', '48k'],
    ...['-f', 'hls', '-hls_time', '2', '-hls_list_size', '0', '-hls_segment_type', 'fmp4', '-hls_fmp4_init_filename', 'film-init.mp4', '-hls_segment_filename', join(folder, 'film-%d.m4s')],
    join(folder, 'film.m3u8'),
  );
}
