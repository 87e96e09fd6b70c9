//go:build race

package generate

// raceDetector says that time limits do not hold.
const raceDetector = true
