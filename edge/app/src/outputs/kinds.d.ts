// The module that build.mjs makes of the files in this folder.
declare module 'densezoo:kinds' {
  export const KINDS: readonly import('./kind').Kind[];
}
