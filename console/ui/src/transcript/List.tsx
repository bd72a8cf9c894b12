import { type KeyboardEvent, useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import type { SuggestedRule, Utterance } from '../api/transcript';
import { clock } from '../format';
import { Button } from '../parts/Button';
import { Icon } from '../parts/Icon';
import { ErrorNotice } from '../parts/Notices';
import { useKeys } from '../shell/keys';
import { CHUNKS, chunkOf, begunAt, earlier, including, later } from './chunks';
import { Editor } from './Editor';
import { useAnchor, useFollowing, useReached } from './follow';
import { Line } from './Line';
import { wordAt } from './marks';
import type { Moment } from './moment';
import { useLines } from './queries';
import { RuleOffer } from './RuleOffer';

/** A sentence is shown as being said for so long after its end, in seconds. */
const AFTER_S = 1.5;

const EDGE = 'w-full rounded-none py-3 text-muted';

/** The sentences around the moment that is played. `end` is the recording's length now, in seconds. */
export function List({ recording, source, end, live, start, moment, onPlay }: { recording: string; source: string; end: number; live: boolean; start: number; moment: Moment; onPlay: (at: number) => void }) {
  const { t } = useTranslation();
  const box = useRef<HTMLDivElement>(null);
  const top = useRef<HTMLDivElement>(null);
  const bottom = useRef<HTMLDivElement>(null);
  const [shown, setShown] = useState(() => ({ first: chunkOf(start), last: chunkOf(start) }));
  const [editing, setEditing] = useState<string | null>(null);
  const [offer, setOffer] = useState<{ id: string; rule: SuggestedRule } | null>(null);
  const [reached, setReached] = useState<string | null>(null);
  const { lines: known, loading, heard, error, retry } = useLines(recording, shown, end, live);
  // Where another version is shown by now, the sentence that is worked on stays until that is done.
  const held = editing ?? offer?.id;
  const [lines, setLines] = useState(known);
  if (lines !== known && (held === undefined || known.some((l) => l.id === held))) setLines(known);
  const final = chunkOf(Math.max(0, end - 0.001));

  // Only what is drawn anew when it changes: the sentence, whether it is still being said, and the word.
  const place = useSyncExternalStore(moment.subscribe, () => {
    const at = moment.now();
    if (at === null) return '-1';
    const index = begunAt(lines, at);
    const line = lines[index];
    if (!line) return '-1';
    return `${index} ${at <= line.end_s + AFTER_S ? (wordAt(line.words, at) ?? 'none') : 'over'}`;
  });
  const [index = '-1', word = 'none'] = place.split(' ');
  const begun = lines[Number(index)] ?? null;
  const said = word === 'none' || word === 'over' ? null : Number(word);
  const [following, setFollowing] = useFollowing(box, begun?.id ?? null, editing !== null || offer !== null);
  const note = useAnchor(box, lines);

  // The chunk that plays is among those shown while the list follows.
  const playing = useSyncExternalStore(moment.subscribe, () => chunkOf(Math.min(moment.now() ?? start, end)));
  useEffect(() => {
    if (following && editing === null && offer === null) setShown((now) => including(now, playing));
  }, [following, playing, editing, offer]);

  const room = () => shown.last - shown.first + 1 < CHUNKS || (box.current !== null && box.current.scrollHeight > box.current.clientHeight + 800);
  const atRest = editing === null && offer === null && !loading;
  const mark = `${shown.first}-${shown.last}-${lines.length}-${atRest}`;
  useReached(box, top, () => atRest && shown.first > 0 && room() && setShown(earlier), mark);
  useReached(box, bottom, () => atRest && shown.last < final && room() && setShown(later), mark);

  const play = useCallback(
    (line: Utterance, at: number) => {
      setReached(line.id);
      setFollowing(true);
      onPlay(at);
    },
    [onPlay, setFollowing],
  );
  const edit = useCallback((line: Utterance) => {
    setOffer(null);
    setReached(line.id);
    setEditing(line.id);
  }, []);
  const stop = useRef<HTMLElement | null>(null);
  const buttonOf = (id: string) => box.current?.querySelector<HTMLElement>(`[data-line="${CSS.escape(id)}"] [data-play]`) ?? null;
  // Where the keyboard goes after a sentence is left.
  const [toFocus, setToFocus] = useState<string | null>(null);
  useEffect(() => {
    if (toFocus === null) return;
    stop.current = buttonOf(toFocus);
    stop.current?.focus({ preventScroll: true });
    setToFocus(null);
  }, [toFocus]);

  const underFocus = () => document.activeElement?.closest('[data-line]')?.getAttribute('data-line');
  useKeys({
    e: () => {
      const line = lines.find((l) => l.id === underFocus()) ?? begun;
      if (line && editing === null) edit(line);
    },
    f: () => setFollowing(true),
  });
  const move = (event: KeyboardEvent) => {
    if ((event.key !== 'ArrowDown' && event.key !== 'ArrowUp') || !(event.target instanceof HTMLElement) || !event.target.matches('[data-play]')) return;
    const from = lines.findIndex((l) => l.id === underFocus());
    const to = lines[from + (event.key === 'ArrowDown' ? 1 : -1)];
    if (from < 0 || !to) return;
    event.preventDefault();
    setReached(to.id);
    buttonOf(to.id)?.focus({ preventScroll: true });
    buttonOf(to.id)?.scrollIntoView({ block: 'nearest' });
  };

  const tab = useMemo(() => (lines.some((l) => l.id === reached) ? reached : (begun?.id ?? lines[0]?.id)), [lines, reached, begun]);
  const growing = heard !== null && shown.last >= final && (live || heard < end - 0.5);
  return (
    <div className="relative flex min-h-0 flex-1 flex-col">
      <div ref={box} onScroll={note} onKeyDown={move} role="group" aria-label={t('transcript.list')} className="min-h-40 flex-1 overflow-y-auto overscroll-contain border-t border-line [overflow-anchor:none]">
        <div ref={top}>
          {shown.first > 0 && (
            <Button look="bare" isDisabled={!atRest} onPress={() => setShown(earlier)} className={EDGE}>
              {t('transcript.earlier')}
            </Button>
          )}
        </div>
        {error !== null && (
          <div className="p-3">
            <ErrorNotice error={error} onRetry={retry} />
          </div>
        )}
        {lines.length > 0 && (
          <ol className="py-1">
            {lines.map((line, n) =>
              line.id === editing ? (
                <Editor
                  key={line.id}
                  recording={recording}
                  line={line}
                  onPlay={() => onPlay(line.start_s)}
                  onDone={(saved) => {
                    setEditing(null);
                    if (saved?.suggested) setOffer({ id: line.id, rule: saved.suggested });
                    else setToFocus(line.id);
                  }}
                />
              ) : (
                <Line
                  key={line.id}
                  line={line}
                  voice={line.speaker !== lines[n - 1]?.speaker}
                  current={line === begun && word !== 'over'}
                  said={line === begun ? said : null}
                  reachable={line.id === tab}
                  onPlay={play}
                  onEdit={edit}
                >
                  {offer?.id === line.id && (
                    <RuleOffer
                      recording={recording}
                      source={source}
                      rule={offer.rule}
                      onDone={() => {
                        setOffer(null);
                        setToFocus(line.id);
                      }}
                    />
                  )}
                </Line>
              ),
            )}
          </ol>
        )}
        {loading && (
          <p role="status" className="p-6 text-center text-muted">
            {t('transcript.loading')}
          </p>
        )}
        {!loading && error === null && lines.length === 0 && !growing && <p className="p-6 text-center text-muted">{t('transcript.none')}</p>}
        <div ref={bottom}>
          {shown.last < final && (
            <Button look="bare" isDisabled={!atRest} onPress={() => setShown(later)} className={EDGE}>
              {t('transcript.later')}
            </Button>
          )}
        </div>
        {growing && <p className="numbers px-4 py-3 text-sm text-muted">{heard > 0 ? t('transcript.heard_until', { at: clock(heard) }) : t('transcript.not_yet')}</p>}
      </div>
      {!following && editing === null && offer === null && (
        <Button look="primary" onPress={() => setFollowing(true)} className="absolute bottom-3 left-1/2 -translate-x-1/2 shadow-card">
          <Icon name="play" className="size-4" />
          {t('transcript.follow')}
        </Button>
      )}
    </div>
  );
}
