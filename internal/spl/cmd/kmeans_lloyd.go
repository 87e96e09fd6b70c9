package cmd

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"bluetrail/internal/spl/exec"
)

// means is the result of kmeans.
type means struct {
	of         []int // the cluster of each point
	centres    [][]float64
	distortion float64
}

// cluster returns the best of several runs: the clusters, ordered by their centres,
// without empty ones.
func (c *Kmeans) cluster(ctx context.Context, points [][]float64, k int) (*means, error) {
	if len(points) == 0 {
		return &means{}, nil
	}
	random := rand.New(rand.NewPCG(meansSeed, uint64(k)))
	var best *means
	for range c.Reps {
		centres, err := c.begin(ctx, points, min(k, len(points)), random)
		if err != nil {
			return nil, err
		}
		run, err := c.lloyd(ctx, points, centres)
		if err != nil {
			return nil, err
		}
		if best == nil || run.distortion < best.distortion {
			best = run
		}
	}
	best.arrange()
	return best, nil
}

// begin chooses points far from each other as centres (k-means++: Arthur and
// Vassilvitskii, 2007).
func (c *Kmeans) begin(ctx context.Context, points [][]float64, k int, random *rand.Rand) ([][]float64, error) {
	centres := [][]float64{slices.Clone(points[random.IntN(len(points))])}
	nearest := make([]float64, len(points))
	for i := range nearest {
		nearest[i] = math.Inf(1)
	}
	pulse := exec.NewPulse(ctx)
	for len(centres) < k {
		sum := 0.0
		for i, p := range points {
			if err := pulse.Err(); err != nil {
				return nil, err
			}
			nearest[i] = min(nearest[i], c.distance(p, centres[len(centres)-1]))
			sum += nearest[i]
		}
		if !(sum > 0) {
			break // every point is a centre
		}
		at, left := 0, random.Float64()*sum
		for i, d := range nearest {
			if d > 0 {
				at = i
				if left -= d; left < 0 {
					break
				}
			}
		}
		centres = append(centres, slices.Clone(points[at]))
	}
	return centres, nil
}

// lloyd moves each centre to the middle of its nearest points until no centre moves.
func (c *Kmeans) lloyd(ctx context.Context, points, centres [][]float64) (*means, error) {
	run := &means{of: make([]int, len(points)), centres: centres}
	pulse := exec.NewPulse(ctx)
	for range c.MaxIters {
		run.distortion = 0
		for i, p := range points {
			if err := pulse.Err(); err != nil {
				return nil, err
			}
			least := math.Inf(1)
			for n, centre := range centres {
				if d := c.distance(p, centre); d < least {
					least, run.of[i] = d, n
				}
			}
			run.distortion += least
		}
		moved := 0.0
		middles, err := c.middles(ctx, points, run.of, len(centres))
		if err != nil {
			return nil, err
		}
		for n, middle := range middles {
			if middle != nil {
				moved = max(moved, c.distance(middle, centres[n]))
				centres[n] = middle
			}
		}
		if !(moved > c.Tolerance) {
			break
		}
	}
	return run, nil
}

// middles returns the point with the least sum of distances to the points of
// each cluster: the mean, or for l1 the median of each number. It is nil for a
// cluster without points.
func (c *Kmeans) middles(ctx context.Context, points [][]float64, of []int, k int) ([][]float64, error) {
	if c.Distance == "l1" {
		return medians(ctx, points, of, k)
	}
	out, counts := make([][]float64, k), make([]float64, k)
	pulse := exec.NewPulse(ctx)
	for i, p := range points {
		if err := pulse.Err(); err != nil {
			return nil, err
		}
		n := of[i]
		if out[n] == nil {
			out[n] = make([]float64, len(p))
		}
		counts[n]++
		weight := 1.0
		if c.Distance == "cos" {
			weight = 1 / max(length(p), math.SmallestNonzeroFloat64)
		}
		for j, f := range p {
			out[n][j] += f * weight
		}
	}
	for n, middle := range out {
		for j := range middle {
			middle[j] /= counts[n]
		}
	}
	return out, nil
}

func medians(ctx context.Context, points [][]float64, of []int, k int) ([][]float64, error) {
	pulse := exec.NewPulse(ctx)
	members := make([][][]float64, k)
	for i, p := range points {
		if err := pulse.Err(); err != nil {
			return nil, err
		}
		members[of[i]] = append(members[of[i]], p)
	}
	out := make([][]float64, k)
	for n, list := range members {
		if len(list) == 0 {
			continue
		}
		out[n] = make([]float64, len(list[0]))
		nums := make([]float64, len(list))
		for j := range out[n] {
			for i, p := range list {
				nums[i] = p[j]
			}
			if err := exec.SortFunc(ctx, nums, cmp.Compare[float64]); err != nil {
				return nil, err
			}
			out[n][j] = (nums[(len(nums)-1)/2] + nums[len(nums)/2]) / 2
		}
	}
	return out, nil
}

func (c *Kmeans) distance(a, b []float64) float64 {
	sum := 0.0
	switch c.Distance {
	case "l2":
		for j := range a {
			d := a[j] - b[j]
			sum += d * d
		}
	case "l1":
		for j := range a {
			sum += math.Abs(a[j] - b[j])
		}
	default:
		both := length(a) * length(b)
		if both == 0 {
			return 1
		}
		for j := range a {
			sum += a[j] * b[j]
		}
		return max(0, 1-sum/both)
	}
	return sum
}

func length(a []float64) float64 {
	sum := 0.0
	for _, f := range a {
		sum += f * f
	}
	return math.Sqrt(sum)
}

// arrange orders the clusters by their centres and drops empty ones.
func (c *means) arrange() {
	used := make([]bool, len(c.centres))
	for _, n := range c.of {
		used[n] = true
	}
	var order []int
	for n := range c.centres {
		if used[n] {
			order = append(order, n)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return slices.Compare(c.centres[a], c.centres[b]) })
	number := make([]int, len(c.centres))
	centres := make([][]float64, len(order))
	for i, n := range order {
		number[n], centres[i] = i, c.centres[n]
	}
	for i, n := range c.of {
		c.of[i] = number[n]
	}
	c.centres = centres
}
