// Package cmd holds the commands of the search language, one file each. A
// command registers itself; importing the package makes them known.
package cmd
