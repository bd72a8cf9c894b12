import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { LexiconEntry } from '../api/transcript';
import { langOf, wall } from '../format';
import { Button } from '../parts/Button';
import { ErrorNotice, Loading } from '../parts/Notices';
import { Sheet } from '../shell/HelpDialog';
import { useLexicon, useRemoveTerm } from './queries';

function Rule({ entry, onRemoved }: { entry: LexiconEntry; /** The keyboard was here, and needs another place. */ onRemoved: () => void }) {
  const { t, i18n } = useTranslation();
  const remove = useRemoveTerm(onRemoved);
  const [asked, setAsked] = useState<boolean | null>(null);
  return (
    <li className="space-y-2 py-3 first:pt-0 last:pb-0">
      <div className="flex items-start justify-between gap-3">
        <div className="min-w-0">
          <p lang={langOf(entry.term)} className="font-medium">
            {entry.term}
          </p>
          <p className="text-sm">
            {entry.misheard.length > 0 && t('transcript.rule_heard', { heard: entry.misheard.join(t('form.and')) })}
            {entry.aliases.length > 0 && <span className="text-muted"> {t('transcript.rule_aliases', { names: entry.aliases.join(t('form.and')) })}</span>}
          </p>
          <p className="numbers text-sm text-muted">
            {[t(entry.source_id ? 'transcript.rule_here' : 'transcript.rule_everywhere'), t('hold.since', { by: entry.entered_by, at: wall(entry.entered_at, i18n.language) })].join(' · ')}
          </p>
        </div>
        {!asked && (
          <Button autoFocus={asked === false} onPress={() => setAsked(true)} aria-label={t('transcript.rule_remove_named', { term: entry.term })}>
            {t('transcript.rule_remove')}
          </Button>
        )}
      </div>
      {asked && (
        <div className="flex flex-wrap items-center gap-2 rounded-xl bg-warn-soft p-3 text-sm text-warn">
          <p className="min-w-0 flex-1 basis-48">{t('transcript.rule_remove_sure')}</p>
          <Button autoFocus isDisabled={remove.isPending} onPress={() => remove.mutate(entry)} className="text-ink">
            {t('manage.sure')}
          </Button>
          <Button onPress={() => setAsked(false)} className="text-ink">
            {t('add.cancel')}
          </Button>
        </div>
      )}
      {remove.isError && <ErrorNotice error={remove.error} />}
    </li>
  );
}

/** The words of the trade and what is heard for them, as they hold for the source of this recording. */
export function Rules({ source, onClose }: { source: string; onClose: () => void }) {
  const { t } = useTranslation();
  const lexicon = useLexicon(source);
  const lead = useRef<HTMLParagraphElement>(null);
  return (
    <Sheet open onClose={onClose} title={t('transcript.rules_title')} wide>
      <p ref={lead} tabIndex={-1} className="mb-4 text-sm text-muted outline-none">
        {t('transcript.rules_lead')}
      </p>
      {lexicon.isPending && <Loading>…</Loading>}
      {lexicon.isError && <ErrorNotice error={lexicon.error} onRetry={() => void lexicon.refetch()} />}
      {lexicon.data?.length === 0 && <p className="text-muted">{t('transcript.rules_none')}</p>}
      <ul className="divide-y divide-line">
        {lexicon.data?.map((entry) => (
          <Rule key={entry.id} entry={entry} onRemoved={() => lead.current?.focus()} />
        ))}
      </ul>
    </Sheet>
  );
}
