import type Hls from 'hls.js';
import type { HlsConfig, LevelDetails } from 'hls.js';
import { type RefObject, useCallback, useEffect, useRef, useState } from 'react';
import { type Stretch, stretches, toPlaying } from './timeline';

/** How far behind the newest part a live is played, in seconds: a part's length, its reload, and some to spare. */
export const BEHIND_S = 4;

/** While there is nothing to play yet, ask again this often, in milliseconds, and this many times. */
const RETRY_MS = 500;
const RETRIES = 60;

const retry = { maxNumRetry: RETRIES, retryDelayMs: RETRY_MS, maxRetryDelayMs: 2_000 };
const CONFIG: Partial<HlsConfig> = {
  autoStartLoad: false, // only the playlist tells where a media time lies; a seek before anything is buffered can be lost
  enableWorker: false, // nothing is remuxed: the parts go to the browser as they are
  lowLatencyMode: false,
  liveSyncDuration: BEHIND_S,
  liveMaxLatencyDuration: Number.POSITIVE_INFINITY, // looking back is not being late
  liveDurationInfinity: true,
  maxBufferLength: 30,
  backBufferLength: 60,
  startFragPrefetch: true,
  maxBufferHole: 0.3,
  manifestLoadPolicy: {
    default: {
      maxTimeToFirstByteMs: 10_000,
      maxLoadTimeMs: 20_000,
      timeoutRetry: retry,
      // "Not found" means: nothing recorded yet.
      errorRetry: { ...retry, shouldRetry: (_config, count) => count < RETRIES },
    },
  },
};

export type Trouble = 'lost' | 'undecodable' | 'unsupported';

/** What plays. */
export interface Stream {
  stretches: Stretch[];
  /** Whether more is to come. */
  growing: boolean;
  trouble: Trouble | null;
  /** Where a live is played: some seconds behind its newest part, in playing time. */
  edge(): number;
  again(): void;
}

function read(details: LevelDetails, zeroMs: number): Stretch[] {
  const pieces = details.fragments.filter((f) => f !== null && !f.gap).map((f) => ({ start: f.start, duration: f.duration, wallMs: f.programDateTime ?? null }));
  return stretches(pieces, zeroMs);
}

/** Plays the playlist at `url` in `video`, from media time `from` if given, else from the live edge or the beginning. */
export function useHls(video: RefObject<HTMLVideoElement | null>, url: string, zeroMs: number, from: number | null): Stream {
  const [known, setKnown] = useState<{ all: Stretch[]; growing: boolean }>({ all: [], growing: false });
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const [attempt, setAttempt] = useState(0);
  const first = useRef(from);
  const end = useRef(0);

  useEffect(() => {
    const element = video.current;
    if (!element) return;
    let hls: Hls | null = null;
    let left = false;
    setTrouble(null);
    void (async () => {
      const { default: Player, Events, ErrorTypes } = await import('hls.js/light');
      if (left) return;
      if (!Player.isSupported()) return setTrouble('unsupported');
      const player = new Player(CONFIG);
      hls = player;
      let begun = false;
      let mended = 0;
      const take = (details: LevelDetails) => {
        const all = read(details, zeroMs);
        end.current = all.at(-1)?.to ?? 0;
        setKnown({ all, growing: details.live });
        return all;
      };
      player.on(Events.LEVEL_LOADED, (_event, { details }) => {
        if (begun) return;
        begun = true;
        const all = take(details);
        const wanted = first.current;
        // Without a wish: the live edge, or the beginning.
        player.startLoad(wanted === null ? -1 : toPlaying(all, wanted));
        // Without a click before, a browser allows silent playing at most.
        void element.play().catch(() => {
          if (left) return;
          element.muted = true;
          void element.play().catch(() => undefined);
        });
      });
      player.on(Events.LEVEL_UPDATED, (_event, { details }) => take(details));
      player.on(Events.ERROR, (_event, data) => {
        if (!data.fatal) return;
        if (data.type === ErrorTypes.MEDIA_ERROR && mended < 2) {
          mended += 1;
          return player.recoverMediaError();
        }
        setTrouble(data.type === ErrorTypes.MEDIA_ERROR ? 'undecodable' : 'lost');
      });
      player.loadSource(url);
      player.attachMedia(element);
    })();
    return () => {
      left = true;
      hls?.destroy();
    };
  }, [video, url, zeroMs, attempt]);

  const edge = useCallback(() => Math.max(0, end.current - BEHIND_S), []);
  const again = useCallback(() => setAttempt((n) => n + 1), []);
  return { stretches: known.all, growing: known.growing, trouble, edge, again };
}
