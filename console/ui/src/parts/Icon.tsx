/** Line icons on a 24-unit grid, drawn for this console. Decorative: the text beside them says what they mean. */
const PATHS = {
  feed: 'M4 5.5h6v13H4zM14 5.5h6v6h-6zM14 15h6v3.5h-6z',
  sources: 'M12 13.2a1.2 1.2 0 1 0 0-2.4 1.2 1.2 0 0 0 0 2.4zM8.2 15.8a5.4 5.4 0 0 1 0-7.6M15.8 8.2a5.4 5.4 0 0 1 0 7.6M5.3 18.7a9.5 9.5 0 0 1 0-13.4M18.7 5.3a9.5 9.5 0 0 1 0 13.4',
  health: 'M3.5 12.5h4l2.3-6 4.2 11 2.3-5h4.2',
  play: 'M8 5.5v13l10.5-6.5z',
  pause: 'M8.5 5.5v13M15.5 5.5v13',
  sound: 'M4.5 9.5v5h3.2l4.3 3.8V5.7L7.7 9.5zM15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a7.8 7.8 0 0 1 0 11',
  silent: 'M4.5 9.5v5h3.2l4.3 3.8V5.7L7.7 9.5zM15.5 9.7l4.6 4.6M20.1 9.7l-4.6 4.6',
  full: 'M4.5 9V4.5H9M15 4.5h4.5V9M19.5 15v4.5H15M9 19.5H4.5V15',
  captions: 'M3.5 6h17v12h-17zM7 12.2h4M13.5 12.2H17M7 15h6.5',
  back: 'M14.5 5.5 8 12l6.5 6.5',
  forward: 'M9.5 5.5 16 12l-6.5 6.5',
  rewind: 'M11.5 6 5 12l6.5 6zM19 6l-6.5 6 6.5 6z',
  ahead: 'M12.5 6l6.5 6-6.5 6zM5 6l6.5 6L5 18z',
  film: 'M4 5.5h16v13H4zM8 5.5v13M16 5.5v13M4 9.8h4M4 14.2h4M16 9.8h4M16 14.2h4',
  lock: 'M6 11h12v8.5H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
  edit: 'M5 19l.8-3.8L15.5 5.5l3 3-9.7 9.7zM13.5 7.5l3 3',
  plus: 'M12 5v14M5 12h14',
  close: 'M6 6l12 12M18 6 6 18',
  copy: 'M8.5 8.5h10v10h-10zM5.5 15.5v-10h10',
  check: 'M5 12.8l4.4 4.4L19 7.6',
  alert: 'M12 4.5 21 19.5H3zM12 10v4.2M12 16.7v.3',
  keyboard: 'M3 7h18v10H3zM6.5 10.3h.01M10 10.3h.01M13.5 10.3h.01M17 10.3h.01M8 13.8h8',
  clock: 'M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM12 7.8V12l3 2',
  bolt: 'M13 3.5 5.5 13.5h5.2L10 20.5l8-10.3h-5.4z',
  tag: 'M4.5 4.5h7l8 8-7 7-8-8zM8.4 8.4h.01',
  scissors: 'M6.5 9a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6zM6.5 19.6a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6zM8.3 8.3 19.5 18M8.3 15.7 19.5 6',
  send: 'M20 4 3.5 10.6l6.6 3.1L13.4 20.5z',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, className = 'size-5', fill = false }: { name: IconName; className?: string; fill?: boolean }) {
  return (
    <svg
      viewBox="0 0 24 24"
      className={`shrink-0 ${className}`}
      fill={fill ? 'currentColor' : 'none'}
      stroke="currentColor"
      strokeWidth={1.75}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
