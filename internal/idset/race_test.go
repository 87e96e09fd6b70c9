//go:build race

package idset

const raceEnabled = true
