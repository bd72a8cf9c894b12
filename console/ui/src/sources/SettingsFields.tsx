import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { SourceKind } from '../api/types';
import { Choice } from '../parts/Field';
import { TextBox } from '../parts/TextBox';
import { Tick } from '../parts/Tick';
import { EMPTY_WINDOW, type Problems, type SettingsForm } from './settings';
import { Windows } from './Windows';

function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <fieldset className="space-y-4 border-t border-line pt-4">
      <legend className="float-left mb-3 w-full text-base font-semibold">{title}</legend>
      <div className="clear-both space-y-4">{children}</div>
    </fieldset>
  );
}

const PAIR = 'grid gap-4 sm:grid-cols-2';

/** Everything the operator can ask of a source besides what it is. */
export function SettingsFields({ kind, form, onChange, problems, stored }: { kind: SourceKind; form: SettingsForm; onChange: (form: SettingsForm) => void; problems: Problems; stored: readonly string[] }) {
  const { t } = useTranslation();
  const set = (to: Partial<SettingsForm>) => onChange({ ...form, ...to });
  const number = (field: 'stopMinutes' | 'quietMinutes' | 'gigabytes' | 'keepDays', label: string, empty: string) => (
    <TextBox label={label} value={form[field]} onChange={(value) => set({ [field]: value })} inputMode="numeric" maxLength={7} placeholder={empty} fault={problems[field] !== undefined && t('form.number_bad')} />
  );
  return (
    <div className="space-y-5">
      <Group title={t('form.when')}>
        <Choice
          label={t('form.mode')}
          value={form.mode}
          onChange={(mode) => set({ mode, ...(mode === 'scheduled' && form.windows.length === 0 ? { windows: [{ ...EMPTY_WINDOW, days: [] }] } : {}) })}
          options={[
            { value: 'always', title: t('form.always'), help: t('form.always_help') },
            { value: 'scheduled', title: t('form.scheduled'), help: t('form.scheduled_help') },
            { value: 'on_demand', title: t('form.on_demand'), help: t('form.on_demand_help') },
          ]}
        />
        {form.mode === 'scheduled' && (
          <Windows
            zone={form.zone}
            onZone={(zone) => set({ zone })}
            badZone={problems.zone !== undefined}
            windows={form.windows}
            onWindows={(windows) => set({ windows })}
            badWindows={problems.windows !== undefined}
          />
        )}
      </Group>
      <Group title={t('form.stop')}>
        <div className="grid gap-4 sm:grid-cols-3">
          {number('stopMinutes', t('form.stop_minutes'), t('form.no_limit'))}
          {number('quietMinutes', t('form.stop_quiet'), t('form.service_default'))}
          {number('gigabytes', t('form.stop_size'), t('form.no_limit'))}
        </div>
        {form.mode === 'scheduled' && (
          <Tick on={form.atWindowEnd} onChange={(atWindowEnd) => set({ atWindowEnd })}>
            {t('form.stop_window')}
          </Tick>
        )}
      </Group>
      <Group title={t('form.work')}>
        <div className={PAIR}>
          <TextBox label={t('form.brand')} value={form.brand} onChange={(brand) => set({ brand })} maxLength={80} />
          {number('keepDays', t('form.keep_days'), t('form.service_default'))}
          <TextBox
            label={t('form.priority')}
            value={form.priority}
            onChange={(priority) => set({ priority })}
            maxLength={4}
            help={t('form.priority_help')}
            fault={problems.priority !== undefined && t('form.priority_bad')}
            className="sm:col-span-2"
          />
        </div>
        <Choice
          label={t('point.share')}
          value={form.share}
          onChange={(share) => set({ share })}
          options={[
            { value: 'own', title: t('point.share_own') },
            { value: 'pool', title: t('point.share_pool') },
          ]}
        />
        <Choice
          label={t('form.audio')}
          value={form.audio}
          onChange={(audio) => set({ audio, audioValue: '' })}
          options={[
            { value: 'first', title: t('form.audio_first') },
            { value: 'number', title: t('form.audio_number') },
            { value: 'language', title: t('form.audio_language') },
          ]}
        />
        {form.audio !== 'first' && (
          <TextBox
            label={t(form.audio === 'number' ? 'form.audio_number' : 'form.audio_language')}
            value={form.audioValue}
            onChange={(audioValue) => set({ audioValue })}
            maxLength={8}
            fault={problems.audioValue !== undefined && t('form.audio_bad')}
            className="max-w-48"
          />
        )}
        <Tick on={form.detectLanguage} onChange={(detectLanguage) => set({ detectLanguage })}>
          {t('form.detect_language')}
        </Tick>
        <Choice
          label={t('form.script')}
          value={form.script}
          onChange={(script) => set({ script })}
          options={[
            { value: 'simplified', title: t('form.script_simplified') },
            { value: 'traditional_tw', title: t('form.script_tw') },
            { value: 'traditional_hk', title: t('form.script_hk') },
          ]}
        />
      </Group>
      {kind === 'pull' && (
        <Group title={t('form.access')}>
          <TextBox label={t('form.resolver')} value={form.resolver} onChange={(resolver) => set({ resolver })} help={t('form.resolver_help')} maxLength={80} />
          <div className={PAIR}>
            <TextBox label={t('form.referrer')} value={form.referrer} onChange={(referrer) => set({ referrer })} placeholder="https://…" mono />
            <TextBox label={t('form.cookie')} value={form.cookie} onChange={(cookie) => set({ cookie })} type="password" mono />
          </div>
          <TextBox
            label={t('form.headers')}
            value={form.headers}
            onChange={(headers) => set({ headers })}
            rows={2}
            mono
            help={t('form.headers_help')}
            fault={problems.headers !== undefined && t('form.headers_bad', { line: problems.headers })}
          />
          {stored.length > 0 && (
            <div className="space-y-2 rounded-xl bg-sunken p-3 text-sm">
              <p>
                {t('form.stored_headers')} <b className="font-mono font-medium break-all">{stored.join(', ')}</b>
              </p>
              <p className="text-muted">{t('form.stored_help')}</p>
              <Tick on={form.noHeaders} onChange={(noHeaders) => set({ noHeaders })}>
                {t('form.drop_headers')}
              </Tick>
            </div>
          )}
        </Group>
      )}
    </div>
  );
}
