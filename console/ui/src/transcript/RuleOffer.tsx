import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { SuggestedRule } from '../api/transcript';
import { clock, langOf, wall } from '../format';
import { Button } from '../parts/Button';
import { ErrorNotice } from '../parts/Notices';
import { cutAt } from './marks';
import { useMakeRule, useTryRule } from './queries';

/** Examples shown at once. */
const EXAMPLES = 3;

/** `text`, with `find` marked wherever it stands in it. */
function Marked({ text, find, tag: Tag }: { text: string; find: string; tag: 'del' | 'ins' }) {
  return cutAt(text, find).map((piece, n) =>
    n % 2 === 1 ? (
      <Tag key={n} className={Tag === 'ins' ? 'rounded-sm bg-mark text-ink no-underline' : 'decoration-live/70'}>
        {piece}
      </Tag>
    ) : (
      piece
    ),
  );
}

/** After a correction: whether it is to hold for all that is heard from now on, with what else it would change. */
export function RuleOffer({ recording, source, rule, onDone }: { recording: string; source: string; rule: SuggestedRule; onDone: () => void }) {
  const { t, i18n } = useTranslation();
  const box = useRef<HTMLDivElement>(null);
  const preview = useTryRule(source, rule);
  const make = useMakeRule(recording, source);
  useEffect(() => {
    box.current?.focus({ preventScroll: true });
  }, []);
  const data = preview.data;
  // A browser may answer these with a promise, which is no way to end an effect.
  useEffect(() => {
    void box.current?.scrollIntoView({ block: 'nearest' });
  }, [data, make.isSuccess]);

  const named = { heard: rule.heard, term: rule.term };
  return (
    <div
      ref={box}
      tabIndex={-1}
      role="group"
      aria-label={t('transcript.rule_title', named)}
      onKeyDown={(event) => event.key === 'Escape' && onDone()}
      className="mx-2 my-2 rounded-xl border border-line bg-surface p-3 text-sm outline-none sm:mx-3"
    >
      <p className="font-medium">{t('transcript.rule_title', named)}</p>
      <div aria-live="polite" className="mt-1 space-y-2">
        {make.isSuccess ? (
          <p className="text-good">{make.data === null ? t('transcript.rule_made') : t('transcript.rule_made_applied', { count: make.data })}</p>
        ) : (
          <>
            {preview.isPending && <p className="text-muted">{t('transcript.rule_looking')}</p>}
            {data && (
              <p className="text-muted">
                {data.count === 0 ? t('transcript.rule_nothing') : t(data.more ? 'transcript.rule_changes_more' : 'transcript.rule_changes', { count: data.count })}
              </p>
            )}
            {data && data.changes.length > 0 && (
              <ul className="space-y-1.5">
                {data.changes.slice(0, EXAMPLES).map((one) => (
                  <li key={one.utterance_id} lang={langOf(one.after)} className="border-l-2 border-line pl-2">
                    <span className="numbers block text-xs text-muted">
                      {t('transcript.rule_where', { began: wall(one.recording_began, i18n.language), at: clock(one.start_s) })}
                    </span>
                    <span className="block text-muted">
                      <span className="sr-only">{t('transcript.rule_before')} </span>
                      <Marked text={one.before} find={rule.heard} tag="del" />
                    </span>
                    <span className="block">
                      <span className="sr-only">{t('transcript.rule_after')} </span>
                      <Marked text={one.after} find={rule.term} tag="ins" />
                    </span>
                  </li>
                ))}
                {data.changes.length > EXAMPLES && (
                  <li>
                    <details>
                      <summary className="cursor-pointer text-muted">{t('transcript.rule_all', { count: data.changes.length })}</summary>
                      <ul className="mt-1 max-h-56 space-y-1 overflow-y-auto" tabIndex={0} aria-label={t('transcript.rule_all', { count: data.changes.length })}>
                        {data.changes.slice(EXAMPLES).map((one) => (
                          <li key={one.utterance_id} lang={langOf(one.after)}>
                            {one.after}
                          </li>
                        ))}
                      </ul>
                    </details>
                  </li>
                )}
              </ul>
            )}
          </>
        )}
      </div>
      {(preview.isError || make.isError) && (
        <div className="mt-2">
          <ErrorNotice error={make.error ?? preview.error} onRetry={preview.isError && !make.isError ? () => void preview.refetch() : undefined} />
        </div>
      )}
      <div className="mt-3 flex flex-wrap gap-2">
        {make.isSuccess ? (
          <Button autoFocus onPress={onDone}>
            {t('help.close')}
          </Button>
        ) : (
          <>
            <Button look="primary" isDisabled={!data || make.isPending} onPress={() => make.mutate({ rule, apply: false })}>
              {t('transcript.rule_make')}
            </Button>
            {data && data.count > 0 && (
              <Button isDisabled={make.isPending} onPress={() => make.mutate({ rule, apply: true })}>
                {t('transcript.rule_make_apply', { count: data.count })}
              </Button>
            )}
            <Button look="bare" onPress={onDone}>
              {t('transcript.rule_no')}
            </Button>
          </>
        )}
      </div>
    </div>
  );
}
