// Package resourcetransformation tells whether a ResourceTransformation can be used, before a Migration does: it reconciles the
// kind by trying what the transformation would do to the objects of its namespace.
//
// The API server is asked in dry runs only, so nothing is ever made or changed. Each object is first tried in place, as a patch.
// A refusal says little about a destination where the object does not exist yet, since some fields can be set but not changed;
// so what is refused as invalid is tried once more as a new object, in the form in which a Migration would bring it.
//
// What failed for what the cluster has is tried again, after a minute at first and every ten in the end.
//
// The package must know nothing of Migrations. Which objects are changed is found out anew by each of them: the list in the
// status shows what was tried, and nothing reads it.
package resourcetransformation
