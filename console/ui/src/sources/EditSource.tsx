import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ChangeSource, Source } from '../api/recorder';
import type { Language } from '../api/types';
import { Button } from '../parts/Button';
import { Choice } from '../parts/Field';
import { ErrorNotice } from '../parts/Notices';
import { TextBox } from '../parts/TextBox';
import { Sheet } from '../shell/HelpDialog';
import { CATEGORIES, SCHEMES } from './AddSource';
import { useChangeSource } from './queries';
import { SettingsFields } from './SettingsFields';
import { KeyControls } from './StreamKey';
import { type Problems, fromForm, toForm } from './settings';

/** Changes a source. Secrets are written, never read: an empty box keeps what is stored. */
export function EditSource({ source, onClose }: { source: Source; onClose: () => void }) {
  const { t, i18n } = useTranslation();
  const change = useChangeSource(source.id);
  const [name, setName] = useState(source.name);
  const [url, setUrl] = useState('');
  const [language, setLanguage] = useState<Language>(source.language);
  const [category, setCategory] = useState(source.category ?? '');
  const [form, setForm] = useState(() => toForm(source.settings, Intl.DateTimeFormat().resolvedOptions().timeZone));
  const [problems, setProblems] = useState<Problems>({});
  const [tried, setTried] = useState(false);
  const badName = name.trim() === '';
  const badUrl = url.trim() !== '' && !SCHEMES.test(url.trim());

  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    const read = fromForm(form, source.kind);
    setProblems('problems' in read ? read.problems : {});
    if (badName || badUrl || 'problems' in read || change.isPending) return;
    const changes: ChangeSource = {
      ...(name.trim() !== source.name ? { name: name.trim() } : {}),
      ...(url.trim() ? { url: url.trim() } : {}),
      ...(language !== source.language ? { language } : {}),
      ...(category !== (source.category ?? '') ? { category } : {}),
      settings: read.settings,
      ...(read.headers ? { headers: read.headers } : {}),
    };
    change.mutate(changes, { onSuccess: onClose });
  };
  const categories = CATEGORIES.some((c) => c === category) ? CATEGORIES : [...CATEGORIES, category];
  return (
    <Sheet open onClose={onClose} title={t('form.title', { name: source.name })} wide>
      <form onSubmit={submit} noValidate className="space-y-5">
        <TextBox label={t('add.name')} value={name} onChange={setName} maxLength={80} required fault={tried && badName && t('add.required')} />
        {source.kind === 'pull' && (
          <TextBox
            label={t('add.url')}
            value={url}
            onChange={setUrl}
            type="url"
            mono
            placeholder={source.url_shown ?? 'https://…/live.flv'}
            help={[t('add.url_help'), t('form.secret_keep'), ...(source.header_names.length > 0 ? [t('form.other_host')] : [])].join(i18n.language === 'en' ? ' ' : '')}
            fault={tried && badUrl && t('add.url_bad')}
          />
        )}
        <Choice
          label={t('add.language')}
          value={language}
          onChange={setLanguage}
          options={[
            { value: 'zh', title: t('lang.zh') },
            { value: 'en', title: t('lang.en') },
          ]}
        />
        <Choice
          label={t('add.category')}
          value={category}
          onChange={setCategory}
          options={categories.map((value) => {
            const known = CATEGORIES.find((c) => c === value);
            return { value, title: known === undefined ? value : t(`category.${known || 'none'}`) };
          })}
        />
        <SettingsFields kind={source.kind} form={form} onChange={setForm} problems={problems} stored={source.header_names} />
        {change.isError && <ErrorNotice error={change.error} />}
        <div className="flex justify-end gap-2">
          <Button onPress={onClose}>{t('add.cancel')}</Button>
          <Button type="submit" look="primary" isDisabled={change.isPending}>
            {change.isPending ? t('form.saving') : t('form.save')}
          </Button>
        </div>
      </form>
      {source.kind === 'push' && (
        <div className="mt-6 space-y-3 border-t border-line pt-4">
          <h3 className="font-semibold">{t('manage.key')}</h3>
          {source.has_key === false && <p className="text-sm text-warn">{t('manage.no_key')}</p>}
          <KeyControls source={source} />
        </div>
      )}
    </Sheet>
  );
}
