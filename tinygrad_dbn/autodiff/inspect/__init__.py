"""Looking at functions: their traces as text and pictures, their derivatives and accuracy against the truth."""
