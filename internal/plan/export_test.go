package plan

// CloseOperators closes the search but not its budget. It returns the bytes
// that some part of the search did not release.
func (s *Plan) CloseOperators() int64 {
	s.cancel()
	s.texts.Release()
	s.out.Close()
	s.env.ReleaseTables()
	return s.env.Memory.Used()
}
