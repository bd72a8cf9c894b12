import { useTranslation } from 'react-i18next';
import type { LabelName, PostState, PostSummary, Stage } from '../api/types';
import { brief, latencyGrade } from '../format';
import { type Family, labelFamily, labelName } from '../i18n/labels';
import { Icon } from './Icon';

const BADGE = 'inline-flex max-w-full items-center gap-1 rounded-md px-1.5 py-0.5 text-xs leading-5 font-medium';

/** Text on a tint, for each family of labels. */
export const FAMILY_TINT: Record<Family, string> = {
  look: 'bg-look-soft text-look',
  works: 'bg-works-soft text-works',
  deal: 'bg-deal-soft text-deal',
  trust: 'bg-trust-soft text-trust',
  chat: 'bg-chat-soft text-chat',
};

/** The full colour of each family, for bars. */
export const FAMILY_BAR: Record<Family, string> = {
  look: 'bg-look',
  works: 'bg-works',
  deal: 'bg-deal',
  trust: 'bg-trust',
  chat: 'bg-chat',
};

/** What the talk is about, in the operator's language. */
export function LabelBadge({ label, name }: { label: string; name?: LabelName }) {
  const { i18n } = useTranslation();
  return <span className={`${BADGE} ${FAMILY_TINT[labelFamily(label)]}`}>{labelName(label, i18n.language, name)}</span>;
}

const STAGE_TINT: Record<Stage, string> = {
  draft: 'bg-chat-soft text-chat',
  exact: 'bg-works-soft text-works',
  captioned: 'bg-accent-soft text-accent',
};

/** How far the clip has come. */
export function StageBadge({ stage }: { stage: Stage }) {
  const { t } = useTranslation();
  return (
    <span className={`${BADGE} ${STAGE_TINT[stage]}`} title={t(`stage_title.${stage}`)}>
      {t(`stage.${stage}`)}
    </span>
  );
}

const GRADE_TINT = { fast: 'bg-good-soft text-good', good: 'bg-sunken text-ink', slow: 'bg-warn-soft text-warn' } as const;

/** How soon after the talk the clip could be reviewed. */
export function LatencyBadge({ seconds }: { seconds: number }) {
  const { t, i18n } = useTranslation();
  const length = brief(seconds, i18n.language);
  return (
    <span className={`${BADGE} numbers ${GRADE_TINT[latencyGrade(seconds)]}`} title={t('feed.reviewable_title', { length })}>
      <Icon name="bolt" className="size-3.5" />
      {t('feed.reviewable', { length })}
    </span>
  );
}

const POST_TINT: Record<PostState, string> = {
  planned: 'bg-sunken text-ink',
  publishing: 'bg-works-soft text-works',
  outcome_unknown: 'bg-warn-soft text-warn',
  live: 'bg-good-soft text-good',
  failed: 'bg-live-soft text-live',
};

/** Where the clip's post stands. */
export function PostBadge({ post }: { post: PostSummary }) {
  const { t } = useTranslation();
  return (
    <span className={`${BADGE} ${POST_TINT[post.state]}`} title={post.last_error ?? post.target}>
      <Icon name={post.state === 'live' ? 'check' : post.state === 'failed' ? 'alert' : 'send'} className="size-3.5" />
      {t(`post.${post.state}`)}
    </span>
  );
}

/** The breathing red dot of something that is live. */
export function LiveDot() {
  return <span aria-hidden="true" className="inline-block size-2 shrink-0 animate-pulse-dot rounded-full bg-live" />;
}
