// Package fn holds the functions of eval and where. They register themselves;
// importing the package makes them known.
package fn
