import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import { en } from './en';
import { zh } from './zh';

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'translation';
    resources: { translation: typeof zh };
  }
}

const KEPT = 'clipmill.language';

/** The languages an operator can choose, as tags that the browser's formatters know. */
export type UiLanguage = 'zh-CN' | 'en';

function kept(): UiLanguage {
  try {
    return localStorage.getItem(KEPT) === 'en' ? 'en' : 'zh-CN';
  } catch {
    return 'zh-CN'; // storage may be switched off
  }
}

/** Starts the texts in the language chosen last; Chinese the first time. */
export async function startTexts(): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: kept(),
    fallbackLng: 'zh-CN',
    resources: { 'zh-CN': { translation: zh }, en: { translation: en } },
    interpolation: { escapeValue: false }, // React escapes
    returnEmptyString: true,
  });
  document.documentElement.lang = i18next.language;
}

/** Changes the language of the console, and remembers it in this browser. */
export async function chooseLanguage(language: UiLanguage): Promise<void> {
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
  try {
    localStorage.setItem(KEPT, language);
  } catch {
    // not remembered, still changed
  }
}
