import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { useFeed } from '../api/queries';
import { Button } from '../parts/Button';
import { ErrorNotice, Loading } from '../parts/Notices';
import { useKeys } from '../shell/keys';
import { EmptyFeed } from './EmptyFeed';
import { FeedCard } from './FeedCard';
import { FeedHeader } from './FeedHeader';
import { useArrivals } from './arrivals';

/** Moves the focus to the card before or after the one that has it. */
function stepFocus(grid: HTMLUListElement | null, by: 1 | -1) {
  const links = [...(grid?.querySelectorAll<HTMLAnchorElement>('article h2 a') ?? [])];
  const at = links.findIndex((link) => link === document.activeElement);
  const link = links[at === -1 ? 0 : Math.min(links.length - 1, Math.max(0, at + by))];
  link?.focus();
  link?.closest('li')?.scrollIntoView({ block: 'nearest' });
}

/** The live grid of clips, newest first. */
export function FeedPage() {
  const { t } = useTranslation();
  const feed = useFeed();
  const { clips, hasNextPage, isFetchingNextPage, fetchNextPage } = feed;
  const fresh = useArrivals(clips, feed.isSuccess);
  const newest = clips.find((clip) => fresh.has(clip.id));
  const grid = useRef<HTMLUListElement>(null);
  const foot = useRef<HTMLDivElement>(null);

  useKeys({ j: () => stepFocus(grid.current, 1), k: () => stepFocus(grid.current, -1) });

  useEffect(() => {
    const element = foot.current;
    if (!element || !hasNextPage || isFetchingNextPage || feed.isFetchNextPageError) return;
    const watch = new IntersectionObserver((entries) => entries.some((e) => e.isIntersecting) && void fetchNextPage(), { rootMargin: '800px' });
    watch.observe(element);
    return () => watch.disconnect();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage, feed.isFetchNextPageError]);

  return (
    <>
      <title>{`${t('feed.title')} · clipmill`}</title>
      <FeedHeader />
      <p role="status" className="sr-only">
        {newest && t('feed.arrived', { count: fresh.size, title: newest.title })}
      </p>
      {feed.isPending && <Loading>{t('feed.loading')}</Loading>}
      {feed.isError && clips.length === 0 && <ErrorNotice error={feed.error} onRetry={() => void feed.refetch()} />}
      {feed.isSuccess && clips.length === 0 && <EmptyFeed />}
      {clips.length > 0 && (
        <>
          <ul ref={grid} className="feed-grid">
            {clips.map((clip) => (
              <FeedCard key={clip.id} clip={clip} fresh={fresh.has(clip.id)} />
            ))}
          </ul>
          <div ref={foot} className="pt-10 text-center text-sm text-muted">
            {feed.isFetchNextPageError ? (
              <ErrorNotice error={feed.error} onRetry={() => void fetchNextPage()} />
            ) : hasNextPage ? (
              <Button onPress={() => void fetchNextPage()} isDisabled={isFetchingNextPage}>
                {isFetchingNextPage ? t('feed.loading_more') : t('feed.more')}
              </Button>
            ) : (
              <p>{t('feed.end', { count: clips.length })}</p>
            )}
          </div>
        </>
      )}
    </>
  );
}
