import { useTranslation } from 'react-i18next';
import type { Utterance } from '../api/transcript';
import { clock, langOf } from '../format';
import { ErrorNotice } from '../parts/Notices';
import { cutAt } from './marks';
import { useFind } from './queries';

/** The sentences with `words` in them; a press plays from one. */
export function Found({ recording, words, onPlay }: { recording: string; words: string; onPlay: (line: Utterance) => void }) {
  const { t } = useTranslation();
  const found = useFind(recording, words);
  const lines = found.data?.utterances ?? [];
  return (
    <div className="min-h-40 flex-1 overflow-y-auto overscroll-contain border-t border-line">
      <p role="status" className="px-4 pt-3 text-sm text-muted">
        {found.isPending ? t('transcript.finding') : found.data && t(found.data.next_s == null ? 'transcript.found' : 'transcript.found_more', { count: lines.length })}
      </p>
      {found.isError && (
        <div className="p-3">
          <ErrorNotice error={found.error} onRetry={() => void found.refetch()} />
        </div>
      )}
      <ol className="py-1">
        {lines.map((line) => (
          <li key={line.id}>
            <button type="button" onClick={() => onPlay(line)} className="flex w-full gap-3 px-3 py-1.5 text-left leading-relaxed outline-offset-[-2px] hover:bg-sunken">
              <span className="numbers min-w-11 shrink-0 pt-0.5 text-right text-xs leading-5 text-muted">{clock(line.start_s)}</span>
              <span lang={langOf(line.text)} className="min-w-0">
                {cutAt(line.text, words).map((piece, n) =>
                  n % 2 === 1 ? (
                    <mark key={n} className="rounded-sm bg-mark text-ink">
                      {piece}
                    </mark>
                  ) : (
                    piece
                  ),
                )}
              </span>
            </button>
          </li>
        ))}
      </ol>
    </div>
  );
}
