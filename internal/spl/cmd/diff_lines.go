package cmd

import "fmt"

// edit says that lines from1:to1 of the first text correspond to lines
// from2:to2 of the second. same means that they are equal.
type edit struct {
	same                   bool
	from1, to1, from2, to2 int
}

// maxDiffCells bounds the table used to find common lines.
const maxDiffCells = 4 << 20

// editsOf returns the smallest set of differing lines. If the part between the
// first and the last differing line is too large for the table, that part
// becomes one edit and exact is false.
func editsOf(a, b []string) (edits []edit, exact bool) {
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	add := func(same bool, n1, n2 int) {
		if n1 == 0 && n2 == 0 {
			return
		}
		if n := len(edits); n > 0 && edits[n-1].same == same {
			edits[n-1].to1, edits[n-1].to2 = edits[n-1].to1+n1, edits[n-1].to2+n2
			return
		}
		at1, at2 := 0, 0
		if n := len(edits); n > 0 {
			at1, at2 = edits[n-1].to1, edits[n-1].to2
		}
		edits = append(edits, edit{same, at1, at1 + n1, at2, at2 + n2})
	}
	add(true, head, head)
	x, y := a[head:len(a)-tail], b[head:len(b)-tail]
	exact = (len(x)+1)*(len(y)+1) <= maxDiffCells
	if exact {
		// common[i][j] is the length of the longest common subsequence of x[i:]
		// and y[j:].
		width := len(y) + 1
		common := make([]int32, (len(x)+1)*width)
		for i := len(x) - 1; i >= 0; i-- {
			for j := len(y) - 1; j >= 0; j-- {
				if x[i] == y[j] {
					common[i*width+j] = common[(i+1)*width+j+1] + 1
				} else {
					common[i*width+j] = max(common[(i+1)*width+j], common[i*width+j+1])
				}
			}
		}
		i, j := 0, 0
		for i < len(x) && j < len(y) {
			switch {
			case x[i] == y[j]:
				add(true, 1, 1)
				i, j = i+1, j+1
			case common[(i+1)*width+j] >= common[i*width+j+1]:
				add(false, 1, 0)
				i++
			default:
				add(false, 0, 1)
				j++
			}
		}
		add(false, len(x)-i, len(y)-j)
	} else {
		add(false, len(x), len(y))
	}
	add(true, tail, tail)
	return edits, exact
}

// diffContext is how many equal lines are shown around a difference.
const diffContext = 3

// grouped combines nearby edits and adds the equal lines around them. It
// returns none if nothing differs.
func grouped(edits []edit) [][]edit {
	var groups [][]edit
	var group []edit
	for i, e := range edits {
		if !e.same {
			group = append(group, e)
			continue
		}
		first, last := i == 0, i == len(edits)-1
		n := e.to1 - e.from1
		switch {
		case first && last:
		case first:
			k := min(n, diffContext)
			group = append(group, edit{true, e.to1 - k, e.to1, e.to2 - k, e.to2})
		case last || n > 2*diffContext:
			k := min(n, diffContext)
			groups = append(groups, append(group, edit{true, e.from1, e.from1 + k, e.from2, e.from2 + k}))
			group = nil
			if !last {
				group = []edit{{true, e.to1 - k, e.to1, e.to2 - k, e.to2}}
			}
		default:
			group = append(group, e)
		}
	}
	if len(group) > 0 {
		groups = append(groups, group)
	}
	return groups
}

// unifiedLines formats a group as a unified diff.
func unifiedLines(group []edit, a, b []string) []string {
	first, last := group[0], group[len(group)-1]
	span := func(from, to int) string {
		switch to - from {
		case 0:
			return fmt.Sprintf("%d,0", from)
		case 1:
			return fmt.Sprint(from + 1)
		}
		return fmt.Sprintf("%d,%d", from+1, to-from)
	}
	out := []string{"@@ -" + span(first.from1, last.to1) + " +" + span(first.from2, last.to2) + " @@"}
	for _, e := range group {
		if e.same {
			out = appendLines(out, " ", a[e.from1:e.to1])
			continue
		}
		out = appendLines(out, "-", a[e.from1:e.to1])
		out = appendLines(out, "+", b[e.from2:e.to2])
	}
	return out
}

// contextLines formats a group as a context diff: the first text, then the
// second.
func contextLines(group []edit, a, b []string) []string {
	first, last := group[0], group[len(group)-1]
	span := func(from, to int) string {
		switch to - from {
		case 0:
			return fmt.Sprint(from)
		case 1:
			return fmt.Sprint(from + 1)
		}
		return fmt.Sprintf("%d,%d", from+1, to)
	}
	removes, adds := false, false
	for _, e := range group {
		removes = removes || !e.same && e.from1 < e.to1
		adds = adds || !e.same && e.from2 < e.to2
	}
	out := []string{"***************", "*** " + span(first.from1, last.to1) + " ****"}
	side := func(lines []string, mark string, of func(e edit) (from, to int)) {
		for _, e := range group {
			from, to := of(e)
			switch {
			case e.same:
				out = appendLines(out, "  ", lines[from:to])
			case e.from1 < e.to1 && e.from2 < e.to2:
				out = appendLines(out, "! ", lines[from:to])
			default:
				out = appendLines(out, mark, lines[from:to])
			}
		}
	}
	if removes {
		side(a, "- ", func(e edit) (int, int) { return e.from1, e.to1 })
	}
	out = append(out, "--- "+span(first.from2, last.to2)+" ----")
	if adds {
		side(b, "+ ", func(e edit) (int, int) { return e.from2, e.to2 })
	}
	return out
}

func appendLines(out []string, mark string, lines []string) []string {
	for _, l := range lines {
		out = append(out, mark+l)
	}
	return out
}
