import { useQuery } from '@tanstack/react-query';
import { recorder } from '../api/recorder';

export const usePlan = () => useQuery({ queryKey: ['retention'], queryFn: ({ signal }) => recorder.plan(signal) });

export const useCost = () => useQuery({ queryKey: ['cost'], queryFn: ({ signal }) => recorder.cost(signal) });
