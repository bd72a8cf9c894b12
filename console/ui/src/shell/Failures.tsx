import { useTranslation } from 'react-i18next';
import { Link, useRouteError } from 'react-router';
import { linkButton } from '../parts/Button';

/** An address that leads nowhere. */
export function NotFound() {
  const { t } = useTranslation();
  return (
    <div className="py-24 text-center">
      <title>{`${t('error.not_found')} · clipmill`}</title>
      <h1 className="mb-6 text-2xl font-semibold">{t('error.not_found')}</h1>
      <Link to="/" className={linkButton('primary')}>
        {t('error.home')}
      </Link>
    </div>
  );
}

/** A page that failed while drawing: says what, and offers the way back. */
export function PageFailed() {
  const { t } = useTranslation();
  const error = useRouteError();
  return (
    <div role="alert" className="py-24 text-center">
      <h1 className="mb-2 text-2xl font-semibold">{t('error.page')}</h1>
      <p className="mb-6 text-muted">{error instanceof Error ? error.message : String(error)}</p>
      <a href="/" className={linkButton('primary')}>
        {t('error.home')}
      </a>
    </div>
  );
}
