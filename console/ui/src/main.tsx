import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App';
import { startTexts } from './i18n';
import './styles.css';

const root = document.getElementById('root');
if (!root) throw new Error('the page has no element with id "root"');

await startTexts();
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
