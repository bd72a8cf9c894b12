import { memo } from 'react';
import { useTranslation } from 'react-i18next';
import { percent } from '../format';
import type { Mark, MarkedRun } from './marks';

const LOOK = {
  mended: 'underline decoration-accent/70 decoration-1 underline-offset-4',
  unsure: 'underline decoration-warn/80 decoration-dotted decoration-1 underline-offset-4',
} as const;

/** Without the punctuation around it. */
const bare = (text: string) => text.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '') || text;

/** A mark in words. */
export function useMarkWords(): (mark: Mark) => string {
  const { t } = useTranslation();
  return (mark) => {
    if (mark.kind === 'unsure') return t('transcript.unsure', { text: bare(mark.text), p: percent(mark.p) });
    const why = mark.by ? t(`transcript.by.${mark.by}`) : '';
    const what = mark.heard === '' ? t('transcript.added', { text: bare(mark.text) }) : t('transcript.mended', { text: bare(mark.text), heard: bare(mark.heard) });
    return why === '' ? what : t('transcript.because', { what, why });
  };
}

/** The words of a sentence. With `each`, every word knows its number, so that a press on it can be told from one beside it; without, only the marked ones are elements of their own. `said` is the word being said. */
export const Words = memo(function Words({ runs, said, each }: { runs: readonly MarkedRun[]; said: number | null; each: boolean }) {
  const say = useMarkWords();
  return runs.map((run, index) =>
    run.word === null || !(each || run.mark) ? (
      run.text
    ) : (
      <span
        key={index}
        data-word={run.word}
        data-mark={run.mark?.kind}
        title={run.mark ? say(run.mark) : undefined}
        className={`${run.word === said ? 'rounded-sm bg-accent text-accent-ink' : ''} ${run.mark ? LOOK[run.mark.kind] : ''}`}
      >
        {run.text}
      </span>
    ),
  );
});
