#!/usr/bin/env node
console.log('farthing');
