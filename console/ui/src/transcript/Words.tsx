import { memo } from 'react';
import { useTranslation } from 'react-i18next';
import { percent } from '../format';
import type { Mark, MarkedRun } from './marks';

const LOOK = {
  mended: 'underline decoration-accent/70 decoration-1 underline-offset-4',
  unsure: 'underline decoration-warn decoration-dotted decoration-2 underline-offset-4',
} as const;

/** A mark in words. */
export function useMarkWords(): (mark: Mark) => string {
  const { t } = useTranslation();
  return (mark) => {
    if (mark.kind === 'unsure') return t('transcript.unsure', { text: mark.text, p: percent(mark.p) });
    const why = mark.by ? t(`transcript.by.${mark.by}`) : '';
    const what = mark.heard === '' ? t('transcript.added', { text: mark.text }) : t('transcript.mended', { text: mark.text, heard: mark.heard });
    return why === '' ? what : t('transcript.because', { what, why });
  };
}

/** The words of a sentence; each knows its number, so that a click on it can be told from a click beside it. `said` is the word being said. */
export const Words = memo(function Words({ runs, said }: { runs: readonly MarkedRun[]; said: number | null }) {
  const say = useMarkWords();
  return runs.map((run, index) =>
    run.word === null ? (
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
