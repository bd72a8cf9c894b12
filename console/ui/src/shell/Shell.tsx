import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, NavLink, Outlet, ScrollRestoration } from 'react-router';
import { useLiveUpdates } from '../api/events';
import { chooseLanguage } from '../i18n';
import { Button } from '../parts/Button';
import { Icon, type IconName } from '../parts/Icon';
import { HelpDialog } from './HelpDialog';
import { useKeys } from './keys';

const PAGES: { to: string; name: 'feed' | 'recordings' | 'sources' | 'health'; icon: IconName }[] = [
  { to: '/', name: 'feed', icon: 'feed' },
  { to: '/recordings', name: 'recordings', icon: 'film' },
  { to: '/sources', name: 'sources', icon: 'sources' },
  { to: '/health', name: 'health', icon: 'health' },
];

function Mark() {
  return (
    <svg viewBox="0 0 32 32" className="size-8 shrink-0" aria-hidden="true">
      <rect width="32" height="32" rx="8" className="fill-accent" />
      <rect x="7" y="7" width="7" height="18" rx="2.2" className="fill-accent-ink" opacity=".42" />
      <rect x="16.5" y="7" width="9" height="18" rx="2.2" className="fill-accent-ink" />
      <path d="M19.2 12.6v6.8l4.6-3.4z" className="fill-accent" />
    </svg>
  );
}

/** What every page has around it: the bar, the way around, the live updates and the shortcuts. */
export function Shell() {
  const { t, i18n } = useTranslation();
  const [help, setHelp] = useState(false);
  const updates = useLiveUpdates(true);
  useKeys({ '?': () => setHelp(true) });

  const other = i18n.language === 'en' ? 'zh-CN' : 'en';
  return (
    <>
      <a href="#page" className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded-lg focus:bg-surface focus:px-4 focus:py-2">
        {t('app.skip')}
      </a>
      <header className="sticky top-0 z-30 border-b border-line bg-paper">
        <div className="mx-auto flex max-w-[104rem] items-center gap-3 px-4 py-2.5 sm:gap-6 sm:px-6">
          <Link to="/" className="flex items-center gap-2.5 rounded-lg text-lg font-semibold tracking-tight">
            <Mark />
            {t('app.name')}
          </Link>
          <nav
            aria-label={t('nav.main')}
            className="fixed inset-x-0 bottom-0 z-30 flex justify-around border-t border-line bg-paper pb-[env(safe-area-inset-bottom)] sm:static sm:justify-start sm:gap-1 sm:border-0 sm:bg-transparent sm:pb-0"
          >
            {PAGES.map(({ to, name, icon }) => (
              <NavLink
                key={to}
                to={to}
                end={to === '/'}
                className={({ isActive }) =>
                  `flex flex-1 flex-col items-center gap-0.5 px-3 py-2 text-xs font-medium sm:flex-none sm:flex-row sm:gap-2 sm:rounded-xl sm:py-1.5 sm:text-sm ${isActive ? 'text-accent sm:bg-accent-soft' : 'text-muted hover:text-ink'}`
                }
              >
                <Icon name={icon} className="size-5 sm:size-4.5" />
                {t(`nav.${name}`)}
              </NavLink>
            ))}
          </nav>
          <div className="ml-auto flex items-center gap-1 sm:gap-2">
            <span role="status" className={`inline-flex items-center gap-1.5 text-xs ${updates ? 'text-muted' : 'text-warn'}`}>
              <span aria-hidden="true" className={`size-1.5 rounded-full ${updates ? 'bg-good' : 'bg-warn'}`} />
              {updates ? t('updates.on') : t('updates.off')}
            </span>
            <span className="hidden sm:block">
              <Button look="bare" onPress={() => setHelp(true)} aria-label={t('help.open')} className="px-2">
                <Icon name="keyboard" />
              </Button>
            </span>
            <Button look="bare" onPress={() => void chooseLanguage(other)} aria-label={`${t('app.language')} – ${t('app.language_label')}`} className="px-2">
              <span lang={other}>{t('app.language')}</span>
            </Button>
          </div>
        </div>
      </header>
      <main id="page" tabIndex={-1} className="mx-auto max-w-[104rem] px-4 pt-5 pb-28 outline-none sm:px-6 sm:pt-7 sm:pb-12">
        <Outlet />
      </main>
      <HelpDialog open={help} onClose={() => setHelp(false)} />
      <ScrollRestoration />
    </>
  );
}
