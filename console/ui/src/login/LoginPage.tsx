import { type FormEvent, useState } from 'react';
import { Input, Label, TextField } from 'react-aria-components';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client';
import { Button } from '../parts/Button';
import { TYPE_BOX } from '../parts/Field';
import { ErrorNotice } from '../parts/Notices';

/** Shown only when the service asks who we are. The token goes to the service, which keeps it in a cookie that scripts cannot read. */
export function LoginPage({ onWelcome }: { onWelcome: () => void }) {
  const { t } = useTranslation();
  const [token, setToken] = useState('');
  const [waiting, setWaiting] = useState(false);
  const [error, setError] = useState<unknown>(null);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setWaiting(true);
    setError(null);
    try {
      await api.login(token.trim());
      onWelcome();
    } catch (cause) {
      setError(cause);
    } finally {
      setWaiting(false);
    }
  };
  return (
    <main className="grid min-h-dvh place-items-center p-4">
      <title>{t('login.title')}</title>
      <form onSubmit={(event) => void submit(event)} className="panel w-full max-w-md space-y-5 p-6 shadow-card sm:p-9">
        <div>
          <h1 className="mb-1 text-2xl font-semibold">{t('login.title')}</h1>
          <p className="text-muted">{t('login.lead')}</p>
        </div>
        <TextField value={token} onChange={setToken} type="password" autoComplete="current-password" autoFocus isRequired>
          <Label className="mb-1.5 block text-sm font-medium">{t('login.token')}</Label>
          <Input className={TYPE_BOX} />
        </TextField>
        {error !== null && <ErrorNotice error={error} />}
        <Button type="submit" look="primary" isDisabled={waiting || token.trim() === ''} className="w-full">
          {waiting ? t('login.submitting') : t('login.submit')}
        </Button>
      </form>
    </main>
  );
}
