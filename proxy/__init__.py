"""Floor 3: the inline reverse proxy. Recognise, plan, carry out."""
