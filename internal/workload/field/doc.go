// Package field reads and writes fields of objects of any kind, in the form in which they are decoded from JSON.
//
// An absent field, a null and a value of an unexpected type are ordinary here: reading them gives nothing, writing through
// them gives an error, and nothing panics. It must know nothing of what the fields mean.
package field
