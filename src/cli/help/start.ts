/** What `apikeys` alone prints: where to begin. */
export const START = `Usage: apikeys <command> [options]

  apikeys create "CI deploy" --owner alice   make a first key
  apikeys list                               see which keys there are
  apikeys --help                             all commands
`;
