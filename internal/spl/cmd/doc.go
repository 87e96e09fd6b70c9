// Package cmd holds the commands of the search language. Each command has a
// file of its name: stats.go holds stats. Its helpers are in files that start
// with its name and an underscore, such as stats_condensed.go. Code that
// several commands share is in package op. A command registers itself;
// importing the package makes all of them available.
package cmd
