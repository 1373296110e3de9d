// Package survey learns the sizes of what a site has, for its plan: of the mail
// and of the directory, as far as they are there already.
package survey
