import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Point, PointAnswer, PointWarning, SayOfPoint, Verdict } from '../api/points';
import { clock, langOf, percent, wall } from '../format';
import { LABELS, labelName } from '../i18n/labels';
import { LabelBadge } from '../parts/Badges';
import { Button } from '../parts/Button';
import { Icon } from '../parts/Icon';
import { ErrorNotice, Loading, Panel } from '../parts/Notices';
import { useKeys } from '../shell/keys';
import { PointEditor } from './Editor';
import { pieces } from './change';
import { usePoint, useSay } from './queries';

const TINT: Record<Verdict, string> = { open: 'bg-sunken text-ink', approved: 'bg-good-soft text-good', corrected: 'bg-accent-soft text-accent', rejected: 'bg-live-soft text-live' };

function VerdictBadge({ verdict }: { verdict: Verdict }) {
  const { t } = useTranslation();
  return <span className={`inline-flex items-center rounded-md px-1.5 py-0.5 text-xs leading-5 font-medium ${TINT[verdict]}`}>{t(`point.verdict.${verdict}`)}</span>;
}

function WarningLine({ warning }: { warning: PointWarning }) {
  const { t } = useTranslation();
  return (
    <li className="flex gap-2.5 rounded-xl bg-warn-soft px-3 py-2 text-sm text-warn">
      <Icon name="alert" className="mt-0.5 size-4" />
      <span>{warning.kind === 'price_differs' ? t('point.price_differs', { said: warning.said, listed: warning.listed }) : t('point.product_unsure')}</span>
    </li>
  );
}

/** What an answer says, in one line. */
function useInWords() {
  const { t, i18n } = useTranslation();
  return (a: PointAnswer) => [labelName(a.label, i18n.language, LABELS[a.label] ? undefined : a.label_name), a.product_name ?? t('point.no_product'), `${clock(a.start_s)}–${clock(a.end_s)}`].join(' · ');
}

/** Its own sentences, with what is evidence in them marked. */
function Sentences({ point }: { point: Point }) {
  const { t } = useTranslation();
  return (
    <ol className="max-h-64 space-y-0.5 overflow-y-auto" tabIndex={0} aria-label={t('point.sentences')}>
      {point.sentences
        .filter((s) => s.inside)
        .map((s) => (
          <li key={s.seq} lang={langOf(s.text)} className="border-l-3 border-accent/45 py-0.5 pl-3">
            {pieces(s.text, s.marks).map((piece, index) =>
              piece.mark ? (
                <mark key={index} className="rounded-sm bg-mark px-0.5 text-inherit" title={t('point.evidence')}>
                  {piece.text}
                </mark>
              ) : (
                piece.text
              ),
            )}
          </li>
        ))}
    </ol>
  );
}

function Shown({ point }: { point: Point }) {
  const { t, i18n } = useTranslation();
  const words = useInWords();
  const last = point.words.at(-1);
  const differs = point.machine && words(point.machine) !== words(point);
  return (
    <div className="space-y-4">
      {point.warnings.length > 0 && (
        <ul className="space-y-1.5">
          {point.warnings.map((warning, index) => (
            <WarningLine key={index} warning={warning} />
          ))}
        </ul>
      )}
      <div className="flex flex-wrap items-center gap-1.5">
        <LabelBadge label={point.label} name={point.label_name} />
        {point.also.map(({ label }) => (
          <LabelBadge key={label} label={label} />
        ))}
        {point.fine.map((key) => (
          <span key={key} className="rounded-md bg-sunken px-1.5 py-0.5 text-xs leading-5">
            {key}
          </span>
        ))}
        <span className="text-sm" lang={langOf(point.product_name ?? '')}>
          {point.product_name ?? <span className="text-muted">{t('point.no_product')}</span>}
        </span>
        <span className="numbers ml-auto text-sm text-muted">{`${clock(point.start_s)}–${clock(point.end_s)}`}</span>
      </div>
      <Sentences point={point} />
      {point.evidence.rule_hits.length > 0 && (
        <ul className="flex flex-wrap gap-1.5" aria-label={t('clip.rules')}>
          {point.evidence.rule_hits.map((rule, index) => (
            <li key={index} lang={langOf(rule)} className="rounded-lg bg-sunken px-2 py-0.5 text-sm">
              {rule}
            </li>
          ))}
        </ul>
      )}
      {differs && point.machine && <p className="text-sm text-muted">{t('point.machine', { answer: words(point.machine) })}</p>}
      {last && (
        <p className="text-sm text-muted">
          {t('point.said', { verdict: t(`point.verdict.${last.verdict}`), by: last.by, at: wall(last.at, i18n.language) })}
          {last.carried && ` · ${t('point.carried')}`}
          {last.note && <span lang={langOf(last.note)}>{` · ${last.note}`}</span>}
        </p>
      )}
      {point.clip_shows_old_bounds && <p className="text-sm text-warn">{t('point.old_bounds')}</p>}
    </div>
  );
}

/** A selling point: what it says and rests on, and the way to say that it is right, wrong, or otherwise. */
export function PointPanel({ id }: { id: string }) {
  const { t } = useTranslation();
  const found = usePoint(id);
  const say = useSay(id);
  const [editing, setEditing] = useState(false);
  const point = found.data;
  const tell = (action: 'approve' | 'reject' | 'restore') => {
    if (point && !say.isPending) say.mutate({ version: point.version, action });
  };
  const save = (what: SayOfPoint) => say.mutate(what, { onSuccess: () => setEditing(false) });
  const may = point && !editing;
  useKeys({
    a: () => may && point.verdict !== 'approved' && tell('approve'),
    e: () => may && setEditing(true),
    x: () => may && point.verdict !== 'rejected' && tell('reject'),
  });
  return (
    <Panel title={t('point.title')} aside={point && <VerdictBadge verdict={point.verdict} />}>
      {found.isPending && <Loading>…</Loading>}
      {found.isError && !point && <ErrorNotice error={found.error} onRetry={() => void found.refetch()} />}
      {point && !editing && (
        <>
          <Shown point={point} />
          <div className="mt-4 flex flex-wrap gap-2">
            {point.verdict !== 'approved' && (
              <Button look="primary" onPress={() => tell('approve')} isDisabled={say.isPending} aria-keyshortcuts="a">
                <Icon name="check" className="size-4" />
                {t('point.approve')}
              </Button>
            )}
            <Button onPress={() => setEditing(true)} aria-keyshortcuts="e">
              <Icon name="edit" className="size-4" />
              {t('point.correct')}
            </Button>
            {point.verdict !== 'rejected' && (
              <Button onPress={() => tell('reject')} isDisabled={say.isPending} aria-keyshortcuts="x">
                <Icon name="close" className="size-4" />
                {t('point.reject')}
              </Button>
            )}
            {point.verdict !== 'open' && (
              <Button look="bare" onPress={() => tell('restore')} isDisabled={say.isPending}>
                {t('point.restore')}
              </Button>
            )}
          </div>
        </>
      )}
      {point && editing && <PointEditor key={point.version} point={point} saving={say.isPending} onSave={save} onClose={() => setEditing(false)} />}
      <p role="status" className="sr-only">
        {say.isSuccess && point && t(`point.verdict.${point.verdict}`)}
      </p>
      {say.isError && (
        <div className="mt-3">
          <ErrorNotice error={say.error} />
        </div>
      )}
      {point && <p className="mt-4 border-t border-line pt-3 text-xs break-words text-muted">{`${t('clip.confidence', { p: percent(point.confidence) })} · ${t('clip.made_by', { name: point.made_by })}`}</p>}
    </Panel>
  );
}
