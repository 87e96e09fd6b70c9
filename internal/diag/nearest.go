package diag

import "strings"

// Nearest returns the candidate that a person most likely meant by name, or ""
// when none is close: at most a third of the letters may differ.
func Nearest(name string, candidates []string) string {
	best, bestDist := "", len(name)/3+1
	lower := strings.ToLower(name)
	for _, c := range candidates {
		if d := distance(lower, strings.ToLower(c), bestDist); d < bestDist || d == bestDist && best == "" && d <= len(name)/3 {
			best, bestDist = c, d
		}
	}
	return best
}

// DidYouMean returns `did you mean "x"?` for the nearest candidate, or "".
func DidYouMean(name string, candidates []string) string {
	if n := Nearest(name, candidates); n != "" {
		return `did you mean "` + n + `"?`
	}
	return ""
}

// mostListed is how many names a hint lists.
const mostListed = 20

// Suggest returns what DidYouMean does, and where nothing is near the
// candidates that there are, behind the word for them: `indexes: aws, main`. It
// is "" without candidates.
func Suggest(name string, candidates []string, word string) string {
	hint := DidYouMean(name, candidates)
	if hint != "" || len(candidates) == 0 {
		return hint
	}
	hint = word + ": " + strings.Join(candidates[:min(len(candidates), mostListed)], ", ")
	if len(candidates) > mostListed {
		hint += ", …"
	}
	return hint
}

// distance is the Damerau-Levenshtein distance (adjacent letters swapped count
// once), given up as over when it must exceed limit.
func distance(a, b string, limit int) int {
	if len(a) > 64 || len(b) > 64 || len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	prev2, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}
