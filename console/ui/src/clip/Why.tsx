import { useTranslation } from 'react-i18next';
import type { ClipDetail, LabelShare } from '../api/types';
import { langOf, percent, wall } from '../format';
import { labelFamily, labelName } from '../i18n/labels';
import { FAMILY_BAR, PostBadge } from '../parts/Badges';
import { Icon } from '../parts/Icon';
import { Panel } from '../parts/Notices';

const HEAD = 'mb-1.5 text-sm font-medium text-muted';

function Shares({ top }: { top: LabelShare[] }) {
  const { i18n } = useTranslation();
  return (
    <ul className="space-y-2">
      {top.map(({ label, p }) => (
        <li key={label} className="grid grid-cols-[minmax(4.5rem,8rem)_1fr_3rem] items-center gap-3 text-sm">
          <span>{labelName(label, i18n.language)}</span>
          <span aria-hidden="true" className="h-2 rounded-full bg-sunken">
            <span className={`block h-full rounded-full ${FAMILY_BAR[labelFamily(label)]}`} style={{ width: `${Math.min(1, Math.max(0, p)) * 100}%` }} />
          </span>
          <span className="numbers text-right text-muted">{percent(p)}</span>
        </li>
      ))}
    </ul>
  );
}

/** The reasons for the cut: in sentences, then the evidence they rest on. */
export function Why({ clip }: { clip: ClipDetail }) {
  const { t } = useTranslation();
  const { evidence } = clip;
  return (
    <Panel title={t('clip.why')} aside={<span className="numbers text-sm text-muted">{t('clip.confidence', { p: percent(clip.confidence) })}</span>}>
      <div className="space-y-5">
        {clip.why.length === 0 ? (
          <p className="text-muted">{t('clip.no_why')}</p>
        ) : (
          <ul className="space-y-1.5">
            {clip.why.map((reason, index) => (
              <li key={index} lang={langOf(reason)} className="flex gap-2.5">
                <Icon name="check" className="mt-1 size-4 text-accent" />
                <span className="min-w-0">{reason}</span>
              </li>
            ))}
          </ul>
        )}
        {evidence.quote && (
          <div>
            <h3 className={HEAD}>{t('clip.quote')}</h3>
            <blockquote lang={langOf(evidence.quote)} className="max-h-48 overflow-y-auto border-l-3 border-line pl-3" tabIndex={0}>
              {evidence.quote}
            </blockquote>
          </div>
        )}
        <div>
          <h3 className={HEAD}>{t('clip.labels')}</h3>
          <Shares top={evidence.top} />
        </div>
        <div>
          <h3 className={HEAD}>{t('clip.rules')}</h3>
          {evidence.rule_hits.length === 0 ? (
            <p className="text-sm text-muted">{t('clip.no_rules')}</p>
          ) : (
            <ul className="flex flex-wrap gap-1.5">
              {evidence.rule_hits.map((rule, index) => (
                <li key={index} lang={langOf(rule)} className="rounded-lg bg-sunken px-2 py-0.5 text-sm">
                  {rule}
                </li>
              ))}
            </ul>
          )}
        </div>
        <div>
          <h3 className={HEAD}>{t('clip.product')}</h3>
          {clip.product_name ? (
            <>
              <p className="font-medium" lang={langOf(clip.product_name)}>
                {clip.product_name}
              </p>
              {clip.product_sku && <p className="text-sm text-muted">{t('clip.sku', { sku: clip.product_sku })}</p>}
            </>
          ) : (
            <p className="text-sm text-muted">{t('clip.no_product')}</p>
          )}
          {evidence.product_why && (
            <p className="text-sm text-muted" lang={langOf(evidence.product_why)}>
              {evidence.product_why}
            </p>
          )}
        </div>
        <p className="border-t border-line pt-3 text-xs text-muted">{t('clip.made_by', { name: clip.made_by })}</p>
      </div>
    </Panel>
  );
}

/** Where the clip's post stands, in full. */
export function Publishing({ clip }: { clip: ClipDetail }) {
  const { t, i18n } = useTranslation();
  const { post } = clip;
  return (
    <Panel title={t('clip.publishing')} aside={post && <PostBadge post={post} />}>
      {post ? (
        <div className="numbers space-y-0.5 text-sm text-muted">
          <p>{t('post_line.target', { target: post.target })}</p>
          {post.published_at ? <p>{t('post_line.published', { at: wall(post.published_at, i18n.language) })}</p> : post.due_at && <p>{t('post_line.due', { at: wall(post.due_at, i18n.language) })}</p>}
          {post.reference && <p>{t('post_line.reference', { reference: post.reference })}</p>}
          {post.last_error && <p className="text-live">{post.last_error}</p>}
        </div>
      ) : (
        <p className="text-sm text-muted">{t('post_line.none')}</p>
      )}
    </Panel>
  );
}

/** What happened to the clip, oldest first. */
export function History({ clip }: { clip: ClipDetail }) {
  const { t, i18n } = useTranslation();
  return (
    <Panel title={t('clip.history')}>
      {clip.history.length === 0 ? (
        <p className="text-sm text-muted">{t('clip.no_history')}</p>
      ) : (
        <ol className="ml-1.5 border-l border-line">
          {clip.history.map((line, index) => (
            <li key={index} className="relative pb-3 pl-4 last:pb-0">
              <span aria-hidden="true" className="absolute top-2 -left-[0.28rem] size-2 rounded-full bg-accent" />
              <p className="text-sm">
                <span className="font-medium">{line.action}</span> <span className="text-muted">{line.actor}</span>
              </p>
              {line.detail && <p className="text-sm text-muted">{line.detail}</p>}
              <p className="numbers text-xs text-muted">
                <time dateTime={line.at}>{wall(line.at, i18n.language)}</time>
              </p>
            </li>
          ))}
        </ol>
      )}
    </Panel>
  );
}
