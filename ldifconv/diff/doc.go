// Package diff compares two exports of a directory and writes the change
// records that turn the one into the other.
//
// Both are read once. An entry is known by its normalised DN; what it holds is
// summed up in a hash that no order of attributes or values, no folding and no
// spelling of names changes, and its text goes to a temporary file. The two
// lists of hashes are joined on disk (internal/index), so memory does not grow
// with the input, and only entries that differ are looked at again.
//
// What counts as a difference: any byte of a value; but DNs in attributes whose
// values are DNs, and the names of classes and attributes, in any spelling.
// Attributes that a server keeps itself are not compared and never written.
package diff
