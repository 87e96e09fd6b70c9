package plan

// CloseOperators closes the search but for its budget; it returns the bytes that
// some part of the search did not let go of.
func (s *Plan) CloseOperators() int64 {
	s.cancel()
	s.texts.Release()
	s.out.Close()
	s.env.ReleaseTables()
	return s.env.Memory.Used()
}
