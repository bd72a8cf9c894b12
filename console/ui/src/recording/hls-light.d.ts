// The smaller build of hls.js has the same shape; its package does not say so.
declare module 'hls.js/light' {
  export * from 'hls.js';
  export { default } from 'hls.js';
}
