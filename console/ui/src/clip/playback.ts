import { type RefObject, useCallback, useEffect, useState } from 'react';

/** How often the time is read while playing, in milliseconds: fine enough to follow words. */
const TICK_MS = 80;

/** What a `<video>` is doing, and how to make it do something else. Times are seconds of the clip. */
export interface Playback {
  playing: boolean;
  time: number;
  /** 0 until the file's header is read. */
  duration: number;
  muted: boolean;
  failed: boolean;
  toggle(): void;
  seek(to: number): void;
  play(): void;
  setMuted(muted: boolean): void;
}

/** Follows the video element in `video`; `source` is what it plays, so that a change starts afresh. */
export function usePlayback(video: RefObject<HTMLVideoElement | null>, source: string): Playback {
  const [playing, setPlaying] = useState(false);
  const [time, setTime] = useState(0);
  const [duration, setDuration] = useState(0);
  const [muted, setMutedState] = useState(false);
  const [failed, setFailed] = useState(false);

  useEffect(() => {
    const element = video.current;
    if (!element) return;
    setFailed(false);
    const read = () => {
      setPlaying(!element.paused && !element.ended);
      setTime(element.currentTime);
      setDuration(Number.isFinite(element.duration) ? element.duration : 0);
      setMutedState(element.muted);
    };
    const fail = () => setFailed(true);
    const events = ['play', 'pause', 'ended', 'seeked', 'seeking', 'timeupdate', 'loadedmetadata', 'durationchange', 'volumechange'];
    for (const name of events) element.addEventListener(name, read);
    element.addEventListener('error', fail);
    const tick = setInterval(() => !element.paused && setTime(element.currentTime), TICK_MS);
    read();
    if (element.error) fail();
    return () => {
      for (const name of events) element.removeEventListener(name, read);
      element.removeEventListener('error', fail);
      clearInterval(tick);
    };
  }, [video, source]);

  const play = useCallback(() => {
    // A browser may refuse to start without a click; the button then still says "play".
    void video.current?.play().catch(() => undefined);
  }, [video]);
  const toggle = useCallback(() => {
    if (video.current?.paused) play();
    else video.current?.pause();
  }, [video, play]);
  const seek = useCallback(
    (to: number) => {
      const element = video.current;
      if (!element) return;
      const end = Number.isFinite(element.duration) ? Math.max(0, element.duration - 0.05) : to;
      element.currentTime = Math.min(Math.max(0, to), end);
      setTime(element.currentTime);
    },
    [video],
  );
  const setMuted = useCallback(
    (to: boolean) => {
      if (video.current) video.current.muted = to;
    },
    [video],
  );
  return { playing, time, duration, muted, failed, toggle, seek, play, setMuted };
}
