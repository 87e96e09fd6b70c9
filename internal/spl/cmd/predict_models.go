package cmd

import (
	"context"
	"math"

	"bluetrail/internal/spl/op"
)

// The models of predict are structural time series with Kalman filters (Durbin
// and Koopman, "Time Series Analysis by State Space Methods", chapter 2). The
// ratios of the noise variances maximize the likelihood of the series; their
// common scale follows from the errors. Missing values (NaN) do not update the
// model.

// forecast is the output of a model: for each row its one-step forecast, and
// then the steps after the last row. NaN means unknown.
type forecast struct {
	mean, variance []float64
	unlikely       float64 // -2 log likelihood, up to a constant
}

// seriesModel runs a model over a series and ahead more steps.
type seriesModel func(series []float64, ahead int) *forecast

// filtered passes the values to step in order. step returns the value expected
// before it sees y, NaN if none yet, and the variance without its scale.
func filtered(series []float64, ahead int, step func(t int, y float64) (mean, variance float64)) *forecast {
	f := &forecast{mean: make([]float64, len(series)+ahead), variance: make([]float64, len(series)+ahead)}
	n, scaled, logs := 0.0, 0.0, 0.0
	for t := range f.mean {
		y := op.NaN
		if t < len(series) {
			y = series[t]
		}
		f.mean[t], f.variance[t] = step(t, y)
		if err := y - f.mean[t]; err == err {
			n++
			scaled += err * err / f.variance[t]
			logs += math.Log(f.variance[t])
		}
	}
	if n == 0 {
		return f
	}
	scale := scaled / n
	for t := range f.variance {
		f.variance[t] *= scale
	}
	f.unlikely = n*math.Log(max(scale, 1e-12)) + logs // the series has a variance of 1
	return f
}

// levels models random-walk levels with observation noise that take turns. One
// level is the local level model LL; one for each position in a period is LLP.
// drift is the share of the levels in the noise, from 0 to 1.
func levels(period int, drift float64) seriesModel {
	return func(series []float64, ahead int) *forecast {
		level, p, begun := make([]float64, period), make([]float64, period), make([]bool, period)
		return filtered(series, ahead, func(t int, y float64) (mean, variance float64) {
			k := t % period
			mean, variance = op.NaN, op.NaN
			if begun[k] {
				mean, variance = level[k], p[k]+1-drift
			}
			switch {
			case math.IsNaN(y):
			case !begun[k]:
				level[k], p[k], begun[k] = y, 1-drift, true
			default:
				gain := p[k] / variance
				level[k] += gain * (y - level[k])
				p[k] *= 1 - gain
			}
			p[k] += drift
			return mean, variance
		})
	}
}

// localTrend models a level with a slope, both random walks with observation
// noise: LLT. Their variances are relative to that of the noise.
func localTrend(level, slope float64) seriesModel {
	const vague = 1e6 // variance of an unknown state
	return func(series []float64, ahead int) *forecast {
		a, b := 0.0, 0.0
		paa, pab, pbb := vague, 0.0, vague
		known := 0
		return filtered(series, ahead, func(_ int, y float64) (mean, variance float64) {
			expected, of := a, paa+1
			mean, variance = op.NaN, op.NaN
			if known >= 2 {
				mean, variance = expected, of
			}
			if !math.IsNaN(y) {
				known++
				ka, kb := paa/of, pab/of
				a, b = a+ka*(y-expected), b+kb*(y-expected)
				paa, pab, pbb = paa*(1-ka), pab*(1-ka), pbb-kb*pab
			}
			a += b
			paa, pab, pbb = paa+2*pab+pbb+level, pab+pbb, pbb+slope
			return mean, variance
		})
	}
}

// bestLevels returns the forecast with the drift that maximizes the likelihood
// of the series.
func bestLevels(ctx context.Context, series []float64, ahead, period int) (*forecast, error) {
	const steps = 24
	try := func(x float64) *forecast { // x from -8 to 8, the log odds of the drift
		return levels(period, 1/(1+math.Exp(-x)))(series, 0)
	}
	best, least := -8.0, math.Inf(1)
	for width, from := 16.0, -8.0; width > 0.01; width, from = width/6, best-width/12 {
		for i := range steps + 1 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			x := min(max(from+width*float64(i)/steps, -8), 8)
			if f := try(x); f.unlikely < least {
				best, least = x, f.unlikely
			}
		}
	}
	return levels(period, 1/(1+math.Exp(-best)))(series, ahead), nil
}

// bestTrend returns the forecast with the noise variances that maximize the
// likelihood of the series.
func bestTrend(ctx context.Context, series []float64, ahead int) (*forecast, error) {
	const lo, hi, steps = -16.0, 4.0, 10 // of the logarithms of the variances
	bestA, bestB, least := lo, lo, math.Inf(1)
	fromA, fromB := lo, lo
	for width := hi - lo; width > 0.1; width /= 4 {
		for i := range steps + 1 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			for j := range steps + 1 {
				x := min(max(fromA+width*float64(i)/steps, lo), hi)
				y := min(max(fromB+width*float64(j)/steps, lo), hi)
				if f := localTrend(math.Exp(x), math.Exp(y))(series, 0); f.unlikely < least {
					bestA, bestB, least = x, y, f.unlikely
				}
			}
		}
		fromA, fromB = bestA-width/8, bestB-width/8
	}
	return localTrend(math.Exp(bestA), math.Exp(bestB))(series, ahead), nil
}

// blend averages two forecasts, weighted at each step by their certainty:
// extrapolating a slope gets less useful with distance.
func blend(a, b *forecast) *forecast {
	out := &forecast{mean: make([]float64, len(a.mean)), variance: make([]float64, len(a.mean))}
	for t := range out.mean {
		switch va, vb := a.variance[t], b.variance[t]; {
		case math.IsNaN(a.mean[t]):
			out.mean[t], out.variance[t] = b.mean[t], vb
		case math.IsNaN(b.mean[t]):
			out.mean[t], out.variance[t] = a.mean[t], va
		default:
			weight := 0.5
			if va+vb > 0 {
				weight = vb / (va + vb)
			}
			out.mean[t] = weight*a.mean[t] + (1-weight)*b.mean[t]
			out.variance[t] = weight*va + (1-weight)*vb
		}
	}
	return out
}

// periodOf returns the period of a series: the lag with the highest
// autocorrelation. It returns 0 if there is none.
func periodOf(series []float64) int {
	n := len(series)
	flat := make([]float64, n) // without its linear trend
	mean, at, count := 0.0, 0.0, 0.0
	for t, y := range series {
		if y == y {
			mean, at, count = mean+y, at+float64(t), count+1
		}
	}
	if count < 6 {
		return 0
	}
	mean, at = mean/count, at/count
	cov, spread := 0.0, 0.0
	for t, y := range series {
		if y == y {
			cov += (float64(t) - at) * (y - mean)
			spread += (float64(t) - at) * (float64(t) - at)
		}
	}
	all := 0.0
	for t, y := range series {
		if y == y {
			flat[t] = y - mean - cov/spread*(float64(t)-at)
			all += flat[t] * flat[t]
		}
	}
	if all < 1e-9*count {
		return 0
	}
	const most, least = 2000, 0.3 // maximum period and minimum autocorrelation
	last := min(n/2, most)
	like := make([]float64, last+2) // by lag
	for lag := 1; lag < min(len(like), n); lag++ {
		sum := 0.0
		for t := lag; t < n; t++ {
			sum += flat[t] * flat[t-lag]
		}
		like[lag] = sum / all * float64(n) / float64(n-lag)
	}
	best, high := 0, least
	for lag := 2; lag <= last; lag++ {
		// Multiples of the period correlate equally well, so require a clear
		// gain.
		if like[lag] >= like[lag-1] && like[lag] >= like[lag+1] && like[lag] > high+0.02 {
			best, high = lag, like[lag]
		}
	}
	return best
}
