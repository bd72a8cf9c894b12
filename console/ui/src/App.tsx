import { QueryClientProvider } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { I18nProvider, RouterProvider as AriaRouter } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { Outlet, createBrowserRouter, useHref, useNavigate } from 'react-router';
import { RouterProvider } from 'react-router/dom';
import { onRefused } from './api/client';
import { newQueryClient } from './api/queries';
import { ClipPage } from './clip/ClipPage';
import { FeedPage } from './feed/FeedPage';
import { LoginPage } from './login/LoginPage';
import { NotFound, PageFailed } from './shell/Failures';
import { Shell } from './shell/Shell';

const queries = newQueryClient();

/** Lets the accessible components navigate inside the page. */
function Frame() {
  const navigate = useNavigate();
  return (
    <AriaRouter navigate={(to) => void navigate(to)} useHref={useHref}>
      <Outlet />
    </AriaRouter>
  );
}

const router = createBrowserRouter([
  {
    element: <Frame />,
    HydrateFallback: () => null,
    children: [
      {
        element: <Shell />,
        children: [
          {
            errorElement: <PageFailed />,
            children: [
              { index: true, element: <FeedPage /> },
              { path: 'clips/:id', element: <ClipPage /> },
              { path: 'sources', lazy: async () => ({ Component: (await import('./sources/SourcesPage')).SourcesPage }) },
              { path: 'recordings', lazy: async () => ({ Component: (await import('./recording/RecordingsPage')).RecordingsPage }) },
              { path: 'recordings/:id', lazy: async () => ({ Component: (await import('./recording/RecordingPage')).RecordingPage }) },
              { path: 'retention', lazy: async () => ({ Component: (await import('./retention/RetentionPage')).RetentionPage }) },
              { path: 'health', lazy: async () => ({ Component: (await import('./health/HealthPage')).HealthPage }) },
              { path: '*', element: <NotFound /> },
            ],
          },
        ],
      },
    ],
  },
]);

/** The whole console: one query cache, one router, and the sign-in page in front when the service asks for it. */
export function App() {
  const { i18n } = useTranslation();
  const [refused, setRefused] = useState(false);
  useEffect(() => onRefused(() => setRefused(true)), []);

  const welcome = () => {
    setRefused(false);
    void queries.resetQueries();
  };
  return (
    <I18nProvider locale={i18n.language}>
      <QueryClientProvider client={queries}>
        {refused ? <LoginPage onWelcome={welcome} /> : <RouterProvider router={router} />}
      </QueryClientProvider>
    </I18nProvider>
  );
}
