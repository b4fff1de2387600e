// Package apply brings objects to the destination: in waves, each object compared with what is there, written only where it
// differs, and reported one by one.
//
// It must know nothing of where the objects come from, of Migrations or of how they were changed on the way: it is handed a
// Plan and hands back a Report.
//
// # How an object is brought
//
// The destination is read first: one paged LIST of each kind and namespace of the plan, or GETs where these are cheaper. Each
// object found is compared with its Item and dropped. An object is Unchanged, and nothing is written, when its hash annotation
// is that of the Item and every field of the Item is found in it with the same value. Otherwise:
//
//   - what is absent is created;
//   - what differs is applied on the server's side with force, so that fields which only somebody else set stay, and fields
//     which an earlier run set and the Item no longer has go. The creation made Godwit an "Update" manager, whose fields would
//     stay for ever: they are handed to its "Apply" manager by one patch before the first apply. No single request can do both,
//     because the server gives every field that a plain update changes to an "Update" manager again;
//   - what cannot be changed is deleted and created again, if the table in recreate.go allows it for that kind.
//
// # Objects that others own too
//
//   - A ServiceAccount, Namespace, ClusterRoleBinding, PersistentVolume or PersistentVolumeClaim is merged into the one that is
//     there, by the rules in merge.go and volumes.go.
//   - Any other cluster-scoped object that no migration brought (it lacks the migrated annotation) is left as it is. It is
//     Unchanged if it has all that the Item has, else Skipped, with a notice. This holds for ClusterRoles: adding rules to one
//     that is there would give them to everybody who is bound to it.
//   - A namespaced object that no migration brought is taken over, with a notice: its namespace is what the user migrates.
//
// The status of an object is not compared and not updated; only a custom resource is created with the status that its Item has.
package apply
