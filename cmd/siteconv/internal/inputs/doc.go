// Package inputs reads what a site's conversion is made of: the directory
// export, and the mail in a backup stream, in mailbox files and Maildirs, or in
// a store of NMS. It knows what makes an input the same one on a second run
// ([Input]), and what one reading tells of the mail ([Mail]).
package inputs
