// Package cmd holds the commands of the search language. A command has a file
// of its name: stats.go holds stats. What it needs beside that is in files that
// begin with its name and an underscore, such as stats_condensed.go. What several
// commands share is in package op. A command registers itself; importing the
// package makes them known.
package cmd
