// Package bdb reads, checks and salvages the database files of Berkeley DB 1.85 to 5.3.
package bdb
