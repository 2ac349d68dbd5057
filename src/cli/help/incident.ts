/** `apikeys help incident`: from a leaked key to knowing what happened, and an employee who left. */
export function incidentHelp(): string {
  return `A key leaked. Wherever a key is named, - reads the raw key from stdin or by a
masked prompt, out of whatever line it stands in; four of its digits do as well.

Find it           apikeys show -                 or: apikeys show rv_1a2b
Stop it           apikeys freeze - --reason "in a log"   (can be lifted)
Replace it        apikeys rotate rv_1a2b3c4d --unfreeze
                  a new secret; the frozen one never works again
  or end it       apikeys revoke rv_1a2b3c4d --reason "seen in a log"
Who used it       apikeys usage rv_1a2b3c4d --since 30d
                  apikeys show rv_1a2b3c4d       last used, old secrets
Who did what      apikeys audit rv_1a2b3c4d      also once it was deleted
                  apikeys audit --owner alice --since 7d

Someone left      apikeys revoke --owner eve --and-freeze --dry-run
                  apikeys revoke --owner eve --and-freeze --reason "left"
                  all keys end, and eve gets no new ones, in each --tenant

Two keys of a name: --owner narrows it. Only the live one of a name is changed.
`;
}
