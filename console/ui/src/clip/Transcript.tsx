import { memo } from 'react';
import { useTranslation } from 'react-i18next';
import type { TranscriptLine } from '../api/types';
import { clock, langOf, percent } from '../format';
import { lineAt, placeWords } from './words';

/** Below this, a word is marked as unsure. */
const UNSURE = 0.5;

const Words = memo(function Words({ line, at }: { line: TranscriptLine; at: number | null }) {
  const { t } = useTranslation();
  return placeWords(line.text, line.words).map((run, index) => {
    if (!run.word) return run.text;
    const said = at !== null && at >= run.word.start_s && at < run.word.end_s;
    const unsure = run.word.p < UNSURE;
    return (
      <span
        key={index}
        className={`${said ? 'rounded-sm bg-accent text-accent-ink' : ''} ${unsure ? 'underline decoration-warn decoration-dotted decoration-2 underline-offset-4' : ''}`}
        title={unsure ? t('clip.unsure', { p: percent(run.word.p) }) : undefined}
      >
        {run.text}
      </span>
    );
  });
});

/** What was said in the clip, with what came before and after. A sentence of the clip plays from its beginning. */
export function Transcript({ lines, at, onSeek }: { lines: TranscriptLine[]; at: number; onSeek: (line: TranscriptLine) => void }) {
  const { t } = useTranslation();
  if (lines.length === 0) return <p className="text-muted">{t('clip.no_transcript')}</p>;
  const now = lineAt(lines, at);
  const first = lines.findIndex((line) => line.inside);
  const last = lines.findLastIndex((line) => line.inside);
  return (
    <ol className="space-y-0.5">
      {lines.map((line, index) => {
        const time = <span className="numbers w-12 shrink-0 pt-0.5 text-right text-xs leading-6 text-muted">{clock(line.start_s)}</span>;
        if (!line.inside) {
          return (
            <li key={line.seq} className={`flex gap-3 py-1 pr-3 text-muted ${index === last + 1 ? 'pt-3' : ''} ${index === first - 1 ? 'pb-3' : ''}`}>
              {time}
              <span lang={langOf(line.text)} className="min-w-0">
                {index < first && <span className="sr-only">{t('clip.before')}: </span>}
                {index > last && <span className="sr-only">{t('clip.after')}: </span>}
                {line.text}
              </span>
            </li>
          );
        }
        const current = line === now;
        return (
          <li key={line.seq}>
            <button
              type="button"
              data-space="page"
              onClick={() => onSeek(line)}
              onKeyUp={(event) => event.key === ' ' && event.preventDefault()}
              aria-current={current ? 'true' : undefined}
              title={t('clip.seek', { at: clock(line.start_s) })}
              className={`flex w-full gap-3 border-l-3 py-1.5 pr-3 text-left text-[1.0625rem] leading-relaxed hover:bg-sunken ${index === first ? 'rounded-tr-lg' : ''} ${index === last ? 'rounded-br-lg' : ''} ${current ? 'border-accent bg-accent-soft' : 'border-accent/45 bg-mark/45'}`}
            >
              {time}
              <span lang={langOf(line.text)} className="min-w-0">
                <Words line={line} at={current ? at : null} />
              </span>
            </button>
          </li>
        );
      })}
    </ol>
  );
}
