import { type ReactNode, memo, useId, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Utterance } from '../api/transcript';
import { clock, langOf, wall } from '../format';
import { Icon } from '../parts/Icon';
import { markedRuns, marksOf } from './marks';
import { useMarkWords, Words } from './Words';

const VOICES = ['bg-works-soft text-works', 'bg-deal-soft text-deal', 'bg-look-soft text-look', 'bg-trust-soft text-trust'] as const;

/** Who speaks: a number, since nobody told us a name. */
export function Voice({ speaker }: { speaker: number }) {
  const { t } = useTranslation();
  return <span className={`inline-block rounded-md px-1.5 text-xs leading-5 font-medium ${VOICES[speaker % VOICES.length]}`}>{t('transcript.speaker', { n: speaker + 1 })}</span>;
}

/** One sentence: a press plays from it, or from the word that is pressed. */
export const Line = memo(function Line({
  line,
  voice,
  current,
  said,
  reachable,
  onPlay,
  onEdit,
  children,
}: {
  line: Utterance;
  /** Whether to tell who speaks. */
  voice: boolean;
  current: boolean;
  /** The word being said. */
  said: number | null;
  /** Whether the Tab key stops here: at one sentence of the list. */
  reachable: boolean;
  onPlay: (line: Utterance, at: number) => void;
  onEdit: (line: Utterance) => void;
  /** What stands under the sentence. */
  children?: ReactNode;
}) {
  const { t, i18n } = useTranslation();
  const say = useMarkWords();
  const notes = useId();
  // Many sentences are shown, and few are pointed at: only there is each word an element of its own.
  const [near, setNear] = useState(false);
  const runs = useMemo(() => markedRuns(line.text, line.words), [line.text, line.words]);
  const marks = useMemo(() => marksOf(runs), [runs]);
  const edited = line.edited_at ? t('transcript.edited_at', { at: wall(line.edited_at, i18n.language) }) : null;
  const told = [...(edited ? [edited] : []), ...marks.map(say)];
  return (
    <li data-line={line.id} className={`group relative border-l-3 ${current ? 'border-accent bg-accent-soft' : 'border-transparent'}`}>
      <button
        type="button"
        data-space="page"
        data-play
        tabIndex={reachable ? 0 : -1}
        aria-current={current ? 'true' : undefined}
        aria-describedby={told.length > 0 ? notes : undefined}
        onClick={(event) => {
          const word = event.target instanceof Element ? event.target.closest('[data-word]')?.getAttribute('data-word') : null;
          onPlay(line, (word != null && line.words[Number(word)]?.start_s) || line.start_s);
        }}
        onPointerEnter={() => setNear(true)}
        onPointerLeave={() => setNear(false)}
        onKeyUp={(event) => event.key === ' ' && event.preventDefault()}
        className={`flex w-full gap-3 py-1.5 pr-11 pl-2 text-left leading-relaxed outline-offset-[-2px] sm:pl-3 ${current ? '' : 'hover:bg-sunken'}`}
      >
        <span className="numbers min-w-11 shrink-0 pt-0.5 text-right text-xs leading-5 text-muted">{clock(line.start_s)}</span>
        <span className="min-w-0">
          {voice && line.speaker != null && (
            <span className="mb-0.5 block">
              <Voice speaker={line.speaker} />{' '}
            </span>
          )}
          <span lang={langOf(line.text)}>
            <Words runs={runs} said={said} each={near || current} />
          </span>
          {edited && (
            <span aria-hidden="true" title={edited} className="ml-2 inline-block rounded-md bg-sunken px-1.5 text-xs leading-5 text-muted">
              {t('transcript.edited')}
            </span>
          )}
        </span>
      </button>
      {told.length > 0 && (
        <span id={notes} hidden>
          {told.join(' ')}
        </span>
      )}
      <button
        type="button"
        tabIndex={reachable ? 0 : -1}
        onClick={() => onEdit(line)}
        aria-label={t('transcript.edit_named', { at: clock(line.start_s) })}
        title={t('transcript.edit_key')}
        className={`absolute top-0.5 right-1 grid size-9 place-items-center rounded-lg text-muted hover:bg-surface hover:text-ink focus-visible:opacity-100 pointer-coarse:opacity-100 ${current ? '' : 'opacity-0 group-focus-within:opacity-100 group-hover:opacity-100'}`}
      >
        <Icon name="edit" className="size-4" />
      </button>
      {children}
    </li>
  );
});
