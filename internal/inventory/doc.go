// Package inventory finds what belongs to a migration at the source: discovery, one paged LIST of each kind, and the selection
// rules, one a file.
//
// It reads; it never writes, and it must know nothing of the destination beyond which API versions it serves, nothing of how
// objects are changed on the way, and nothing of Migrations. The rules (rule_*.go) are pure: they judge one object by the
// facts that were gathered from the lists, and know no client.
package inventory
