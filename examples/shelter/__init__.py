"""Example provider of kind `frame`: a map of evacuation spaces (level `audience`)."""
