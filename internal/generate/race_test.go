//go:build race

package generate

// raceDetector says that time limits do not hold.
const raceDetector = true

// scaled is how many of n events a test can afford.
func scaled(n int) int { return n / 5 }
