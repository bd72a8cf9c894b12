import { useId } from 'react';
import { Checkbox } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import type { Day, Settings, Window as ApiWindow } from '../api/recorder';
import { Button } from '../parts/Button';
import { Icon } from '../parts/Icon';
import { TextBox } from '../parts/TextBox';
import { DAYS, EMPTY_WINDOW } from './settings';

type Window = Required<ApiWindow>;

function Days({ chosen, onChange }: { chosen: readonly string[]; onChange: (days: Day[]) => void }) {
  const { t } = useTranslation();
  const toggle = (day: Day, on: boolean) => onChange(DAYS.filter((d) => (d === day ? on : chosen.includes(d))));
  return (
    <div role="group" aria-label={t('form.days')} className="flex flex-wrap gap-1">
      {DAYS.map((day) => (
        <Checkbox
          key={day}
          isSelected={chosen.includes(day)}
          onChange={(on) => toggle(day, on)}
          aria-label={t(`day_long.${day}`)}
          className="grid min-h-10 min-w-10 cursor-pointer place-items-center rounded-xl border border-line px-2 text-sm data-focus-visible:outline-2 data-focus-visible:outline-accent data-selected:border-accent data-selected:bg-accent-soft data-selected:font-medium data-selected:text-accent"
        >
          {t(`day.${day}`)}
        </Checkbox>
      ))}
    </div>
  );
}

/** The windows of a schedule, in one time zone. */
export function Windows({
  zone,
  onZone,
  badZone,
  windows,
  onWindows,
  badWindows,
}: {
  zone: string;
  onZone: (zone: string) => void;
  badZone: boolean;
  windows: readonly Window[];
  onWindows: (windows: Window[]) => void;
  badWindows: boolean;
}) {
  const { t } = useTranslation();
  const zones = useId();
  const change = (at: number, to: Partial<Window>) => onWindows(windows.map((w, i) => (i === at ? { ...w, ...to } : w)));
  return (
    <div className="space-y-3">
      <TextBox label={t('form.zone')} value={zone} onChange={onZone} list={zones} fault={badZone && t('form.zone_bad')} className="max-w-sm" />
      <datalist id={zones}>
        {Intl.supportedValuesOf('timeZone').map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      {windows.map((window, index) => (
        <div key={index} className="relative flex flex-wrap items-end gap-x-4 gap-y-3 rounded-xl bg-sunken p-3">
          <div>
            <p className="mb-1.5 text-sm font-medium">{t('form.days')}</p>
            <Days chosen={window.days} onChange={(days) => change(index, { days })} />
          </div>
          <div className="flex items-end gap-2">
            <TextBox label={t('form.from')} type="time" value={window.from} onChange={(from) => change(index, { from })} className="w-36" />
            <TextBox label={t('form.to')} type="time" value={window.to} onChange={(to) => change(index, { to })} className="w-36" />
          </div>
          {window.from !== '' && window.to !== '' && window.to <= window.from && <p className="mb-2.5 text-sm text-muted">{t('form.overnight')}</p>}
          <Button look="bare" onPress={() => onWindows(windows.filter((_, i) => i !== index))} aria-label={t('form.remove_window')} className="absolute top-0 right-0 px-2">
            <Icon name="close" className="size-4" />
          </Button>
        </div>
      ))}
      <div className="flex flex-wrap items-center gap-3">
        <Button onPress={() => onWindows([...windows, { ...EMPTY_WINDOW, days: [] }])}>
          <Icon name="plus" className="size-4" />
          {t('form.add_window')}
        </Button>
        <p className={`text-sm ${badWindows ? 'text-live' : 'text-muted'}`} role={badWindows ? 'alert' : undefined}>
          {t(badWindows ? 'form.need_window' : 'form.days_help')}
        </p>
      </div>
    </div>
  );
}

/** The windows of a schedule in a few words. */
export function useHours(): (settings: Settings) => string {
  const { t } = useTranslation();
  return ({ windows, zone }) => {
    const days = (of: readonly string[]) => (of.length === 0 ? t('form.every_day') : DAYS.filter((d) => of.includes(d)).map((d) => t(`day_short.${d}`)).join(t('form.and')));
    return `${(windows ?? []).map((w) => `${days(w.days ?? [])} ${w.from}–${w.to}`).join(t('form.then'))} (${zone ?? 'UTC'})`;
  };
}
